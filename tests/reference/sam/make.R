# Reference values of structural after measurement: lavaan >= 0.7 (`sam`), jsonlite.
#
#   Rscript make.R          (from this folder; writes gaps.csv and reference.json)
#
# Data: ../hs1939/data.csv; gaps.csv is the same with answers taken out at random.
library(lavaan)
library(jsonlite)

whole <- read.csv("../hs1939/data.csv")
items <- paste0("x", 1:9)
set.seed(20)
gaps <- whole
for (v in items) gaps[runif(nrow(gaps)) < .08, v] <- NA
write.csv(gaps[c("school", "ageyr", items)], "gaps.csv", row.names = FALSE)
gaps <- read.csv("gaps.csv")
small <- whole[1:40, ]

measured <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9\n"
wide <- "visual =~ x1 + x2 + x3\nlower =~ x4 + x5 + x6 + x7 + x8\n"
models <- list(
  regressions = paste0(measured, "speed ~ visual + textual\ntextual ~ visual"),
  mediation = paste0(measured, "textual ~ a*visual + ageyr\nspeed ~ b*textual\nind := a*b"),
  chain = paste0(measured, "textual ~ visual\nspeed ~ textual"),
  equal = paste0(measured, "speed ~ a*visual + a*textual\nvisual ~~ textual"),
  covariances = measured,
  observed = paste0(measured, "x10 ~ visual + speed\nspeed ~ ageyr + visual\nageyr ~~ visual"),
  misfit = paste0(wide, "lower ~ visual + ageyr\nvisual ~ ageyr"),
  joined = paste0("visual =~ x1 + x2 + x3 + x9\ntextual =~ x4 + x5 + x6\n",
                  "speed =~ x7 + x8 + x9\nx2 ~~ x3\ntextual ~ visual\nspeed ~ textual"),
  loadings = paste0("visual =~ NA*x1 + l*x1 + l*x2 + x3\nvisual ~~ 1*visual\n",
                    "textual =~ x4 + m*x5 + m*x6\ntextual ~ visual + ageyr"),
  single = "visual =~ x1 + x2 + x3\nreading =~ x4\nspeed =~ x7 + x8 + x9\nspeed ~ visual + reading",
  noisy = "visual =~ x1 + x2 + x3\nreading =~ x4\nx4 ~~ 0.5*x4\nspeed =~ x7 + x8 + x9\nspeed ~ visual + reading"
)
# x10, an observed outcome, is the sum of two items of the data
whole$x10 <- whole$x1 + whole$x9 / 2 + whole$ageyr / 3
whole$x10 <- round(whole$x10 + sin(seq_len(nrow(whole))), 6)
write.csv(whole[c("school", "ageyr", "x10", items)], "whole.csv", row.names = FALSE)
whole <- read.csv("whole.csv")

values <- function(f) {
  p <- as.data.frame(parameterEstimates(f, remove.nonfree = FALSE))
  if (is.null(p$group)) p$group <- 1L
  i <- f@internal
  fit <- if (is.numeric(i$sam.struc.fit)) as.list(unlist(unclass(i$sam.struc.fit)))
  rel <- if (is.list(i$sam.mm.rel)) lapply(i$sam.mm.rel, function(r) as.list(unlist(r)))
  list(par = p[c("lhs", "op", "rhs", "group", "est", "se")], fit = fit, reliability = rel,
       measurement = as.data.frame(i$sam.mm.table))
}
entries <- list()
add <- function(id, model, data, ..., mapping = "ML", method = "local") {
  f <- suppressWarnings(sam(models[[model]], get(data), sam.method = method,
                            local.options = list(M.method = mapping), ...))
  extra <- list(...)
  entries[[length(entries) + 1L]] <<- c(
    list(id = id, model = models[[model]], data = data, method = method, mapping = tolower(mapping),
         group = extra$group, se = extra$se, missing = extra$missing), list(values = values(f)))
}
tried <- function(...) tryCatch(add(...), error = function(e) message(..1, ": ", conditionMessage(e)))
for (m in names(models)) {
  tried(paste0(m, ".local"), m, "whole")
  tried(paste0(m, ".global"), m, "whole", method = "global")
}
for (m in c("chain", "observed", "misfit")) for (k in c("ULS", "GLS"))
  tried(paste0(m, ".", tolower(k)), m, "whole", mapping = k)
# Where observed variables predict factors and there are means, lavaan's whole model has no intercepts
# of factors to make up for theirs, which pulls slopes (global) and standard errors: none of those here.
for (m in c("chain", "observed")) tried(paste0(m, ".naive"), m, "whole", se = "naive")
tried("chain.groups.local", "chain", "whole", group = "school")
tried("chain.groups.global", "chain", "whole", group = "school", method = "global")
tried("chain.fiml.local", "chain", "gaps", missing = "ml")
tried("chain.fiml.global", "chain", "gaps", missing = "ml", method = "global")
for (m in c("chain", "mediation")) tried(paste0(m, ".listwise"), m, "gaps")
tried("chain.fiml.groups", "chain", "gaps", missing = "ml", group = "school")
models$tied_loadings <- "visual =~ x1 + c(l, l)*x2 + x3\ntextual =~ x4 + x5 + x6\ntextual ~ visual"
models$tied_slopes <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\ntextual ~ c(a, a)*visual"
for (m in c("tied_loadings", "tied_slopes")) for (k in c("local", "global"))
  tried(paste0(m, ".", k), m, "whole", group = "school", method = k)
models$constraint <- paste0(measured, "textual ~ a*visual\nspeed ~ b*visual\na == 2*b\nd := a - b")
models$means <- paste0(measured, "x1 ~ 0*1\nvisual ~ 1\ntextual ~ visual\nspeed ~ visual")
for (m in c("constraint", "means")) for (k in c("local", "global")) tried(paste0(m, ".", k), m, "whole", method = k)
for (m in c("regressions", "misfit")) tried(paste0(m, ".small"), m, "small")
write_json(list(lavaan = as.character(packageVersion("lavaan")), entries = entries),
           "reference.json", digits = 12, auto_unbox = TRUE, null = "null", na = "null")
