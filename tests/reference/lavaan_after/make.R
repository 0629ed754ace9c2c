# What lavaan 0.6-14 says about fitted models, beyond the stored references: modification indices in
# full, scaled comparisons, residuals, score tests, standardized solutions, scores. Run here:
#   Rscript make.R
suppressMessages({library(lavaan); library(jsonlite)})
data <- function(name) read.csv(file.path("..", name, "data.csv"))
hs <- data("hs1939"); bfi <- data("bfi_ac"); fb <- data("facialburns"); cat_ <- data("datcat")
base <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
frame <- function(x) lapply(as.list(as.data.frame(unclass(x))), function(v) if (is.factor(v)) as.character(v) else v)
mi <- function(fit) frame(modindices(fit))
std <- function(fit, ...) frame(standardizedSolution(fit, ...))
mat <- function(m) list(names = rownames(m), data = unclass(unname(m)))
res <- function(fit, type) {
  r <- suppressWarnings(lavResiduals(fit, type = type, se = FALSE, zstat = TRUE, summary = FALSE, add.class = FALSE))
  one <- function(b) list(cov = mat(b$cov), z = mat(b$cov.z), mean = as.list(b$mean), mean_z = as.list(b$mean.z))
  if (is.null(r$cov)) lapply(r, one) else one(r)
}
lrt <- function(..., method) as.list(as.data.frame(suppressWarnings(lavTestLRT(..., method = method)))[2, c("Chisq diff", "Df diff", "Pr(>Chisq)")])
out <- list()
add <- function(id, model, dataset, options, ...) out[[length(out) + 1]] <<- list(id = id, model = model, data = dataset, options = options, ...)
opt <- function(...) list(...)
fit <- function(model, d, ...) suppressWarnings(sem(model, d, ...))

f <- fit(base, hs); add("mi.base", base, "hs1939", opt(), mi = mi(f), std_lv = std(f, type = "std.lv"))
f <- fit(base, hs, meanstructure = TRUE, estimator = "MLR")
add("mlr.means", base, "hs1939", opt(meanstructure = TRUE, estimator = "MLR"), mi = mi(f), std = std(f), cor = res(f, "cor"), bentler = res(f, "cor.bentler"), raw = res(f, "raw"))
f <- fit(base, hs, estimator = "MLM"); add("mlm", base, "hs1939", opt(estimator = "MLM"), std = std(f), cor = res(f, "cor"), bentler = res(f, "cor.bentler"))
f <- fit(base, hs, group = "school"); add("groups", base, "hs1939", opt(group = "school"), mi = mi(f), std = std(f), bentler = res(f, "cor.bentler"))
f <- fit(base, hs, group = "school", group.equal = c("loadings", "intercepts"))
add("scalar", base, "hs1939", opt(group = "school", group_equal = c("loadings", "intercepts")), mi = mi(f), std = std(f), std_lv = std(f, type = "std.lv"), cor = res(f, "cor"), score = frame(lavTestScore(f)$uni), total = frame(lavTestScore(f)$test))
f <- fit(base, hs, estimator = "GLS"); add("gls", base, "hs1939", opt(estimator = "GLS"), bentler = res(f, "cor.bentler"), mi = mi(f))
f <- fit(base, hs, std.lv = TRUE, information = "observed"); add("observed", base, "hs1939", opt(identification = "variance", information = "observed"), mi = mi(f), std = std(f), bentler = res(f, "cor.bentler"))
m <- "visual =~ x1 + x2 + x3\nspeed =~ x7 + x8 + x9\nspeed ~ b*visual + c*ageyr\nvisual ~ a*ageyr\nind := a*b\ntot := c + a*b"
f <- fit(m, hs, meanstructure = TRUE); add("paths", m, "hs1939", opt(meanstructure = TRUE), mi = mi(f), std = std(f), std_lv = std(f, type = "std.lv"), bentler = res(f, "cor.bentler"))
f <- fit(m, hs); add("paths.plain", m, "hs1939", opt(), mi = mi(f), std = std(f))
m <- "x1 ~ x2 + x3\nx4 ~ x1 + x3\nx5 ~ x4"
f <- fit(m, hs); add("observed.only", m, "hs1939", opt(), mi = mi(f), std = std(f))
f <- fit(m, hs, fixed.x = FALSE); add("random.x", m, "hs1939", opt(fixed_x = FALSE), mi = mi(f), std = std(f))
m <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9\ng =~ visual + textual + speed"
f <- fit(m, hs); add("second.order", m, "hs1939", opt(), mi = mi(f), std = std(f), std_lv = std(f, type = "std.lv"))
m <- "visual =~ x1 + a*x2 + b*x3\ntextual =~ x4 + x5 + x6\nx1 ~~ x4\nx2 ~~ e*x2\na == 2*b"
f <- fit(m, hs); add("constrained", m, "hs1939", opt(), mi = mi(f), std = std(f), score = frame(lavTestScore(f)$uni), total = frame(lavTestScore(f)$test))
items <- c("A2", "A3", "A4", "A5", "C1", "C2", "C3"); m <- "A =~ A2 + A3 + A4 + A5\nC =~ C1 + C2 + C3"
f <- fit(m, bfi, missing = "fiml"); add("fiml", m, "bfi_ac", opt(missing = "fiml"), mi = mi(f), std = std(f), bentler = res(f, "cor.bentler"))
f <- fit(m, bfi, missing = "fiml", estimator = "MLR"); add("fiml.mlr", m, "bfi_ac", opt(missing = "fiml", estimator = "MLR"), std = std(f), bentler = res(f, "cor.bentler"))
for (p in c("delta", "theta")) {
  f <- fit(m, bfi, ordered = items, parameterization = p)
  add(paste0("ordinal.", p), m, "bfi_ac", opt(ordered = items, parameterization = p), mi = mi(f), std = std(f), std_lv = std(f, type = "std.lv"), bentler = res(f, "cor.bentler"), raw = res(f, "raw"))
}
m2 <- "f =~ u1 + u2 + u3 + u4"
for (p in c("delta", "theta")) {
  f <- fit(m2, cat_, ordered = paste0("u", 1:4), group = "g", parameterization = p, group.equal = c("loadings", "thresholds"))
  add(paste0("ordinal.groups.", p), m2, "datcat", opt(ordered = paste0("u", 1:4), group = "g", parameterization = p, group_equal = c("loadings", "thresholds")), mi = mi(f), std = std(f))
}
m <- "A =~ A2 + A3 + A4 + A5\nC =~ C1 + C2 + C3"
f <- fit(m, bfi, ordered = items[1:5]); add("mixed", m, "bfi_ac", opt(ordered = items[1:5]), mi = mi(f), std = std(f))

comparisons <- list()
for (e in c("MLM", "MLR", "MLMV")) {
  fits <- lapply(list("", "loadings", c("loadings", "intercepts")), function(q) fit(base, hs, group = "school", group.equal = q, estimator = e))
  for (m in c("satorra.bentler.2001", "satorra.bentler.2010", "satorra.2000")) for (i in 1:2) {
    if (e == "MLMV" && m != "satorra.2000") next
    comparisons[[length(comparisons) + 1]] <- list(estimator = e, method = m, larger = i, test = lrt(fits[[i]], fits[[i + 1]], method = m))
  }
}
writeLines(toJSON(list(fits = out, comparisons = comparisons), auto_unbox = TRUE, na = "null", digits = 12), "reference.json")
