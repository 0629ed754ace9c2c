# Two-level models of answers with gaps. Data: the set sim_mlcfa (teachers in 70 schools, six items on a
# 9-point scale, simulated) with 12% of the answers removed at random, an experience score per teacher and
# a school outcome that some schools lack; sorted by school
# (lavaan 0.6-14 does not converge when the members of a school are not neighbours). Run: Rscript generate.R (from this folder).
suppressMessages(library(lavaan)); library(jsonlite)
d <- read.csv("../sim_mlcfa/data.csv"); items <- paste0("m0", 1:6); set.seed(41)
school <- as.integer(factor(d$school)); J <- max(school)
level <- tapply(rowMeans(d[items]), school, mean)
d$experience <- round(rnorm(nrow(d)) + .3 * scale(d$m01)[, 1], 3)
d$funding <- round(rnorm(J), 3)[school]
d$outcome <- round(as.numeric(scale(level))[school] * .8 + rnorm(J)[school] * .7, 3)
d$outcome[school %in% sample(J, 8)] <- NA
for (v in items) d[[v]][runif(nrow(d)) < .12] <- NA
d <- d[order(d$school), c("school", items, "experience", "funding", "outcome")]
write.csv(d, "data.csv", row.names = FALSE, na = "", quote = FALSE); d <- read.csv("data.csv")
models <- list(
  cfa = "level: 1\nF1w =~ m01 + m02 + m03\nF2w =~ m04 + m05 + m06\nlevel: 2\nFb =~ m01 + m02 + m03 + m04 + m05 + m06",
  metric = "level: 1\nFw =~ m01 + b*m02 + c*m03\nlevel: 2\nFb =~ m01 + b*m02 + c*m03",
  outcome = "level: 1\nFw =~ m01 + m02 + m03\nFw ~ experience\nlevel: 2\nFb =~ m01 + m02 + m03\noutcome ~ Fb + funding")
runs <- list(list("cfa.ML", "cfa"), list("cfa.MLR", "cfa", estimator = "MLR"), list("metric.ML", "metric"), list("outcome.ML", "outcome", .f = "sem"))
out <- list()
clean <- function(v) { v <- as.list(unclass(v)); lapply(v, function(z) if (is.finite(z)) as.numeric(z) else NA) }
for (r in runs) {
  id <- r[[1]]; model <- models[[r[[2]]]]; fun <- if (is.null(r$.f)) "cfa" else r$.f; args <- c(r[setdiff(names(r), c("", ".f"))], missing = "ml")
  t0 <- Sys.time(); w <- character(0)
  f <- try(withCallingHandlers(do.call(fun, c(list(model = model, data = d, cluster = "school"), args)), warning = function(x) { w <<- c(w, conditionMessage(x)); invokeRestart("muffleWarning") }), silent = TRUE)
  if (inherits(f, "try-error")) { cat(id, "failed:", f); next }
  cat(id, lavInspect(f, "converged"), as.numeric(Sys.time() - t0, units = "secs"), "\n"); if (!lavInspect(f, "converged")) next
  p <- as.data.frame(parameterEstimates(f)); p <- p[p$op != ":=", ]
  extra <- sapply(names(args), function(n) sprintf(", %s = %s", n, deparse(args[[n]])))
  values <- list(converged = TRUE, npar = unname(fitMeasures(f, "npar")), nobs = nobs(f), fit = clean(suppressWarnings(fitMeasures(f))),
    par = list(lhs = p$lhs, op = p$op, rhs = p$rhs, level = p$level, group = rep(1L, nrow(p)), est = p$est, se = p$se))
  out[[length(out) + 1]] <- list(id = paste0("two_level_gaps/", id), `function` = fun, package = "lavaan", version = as.character(packageVersion("lavaan")),
    call = paste0("lavaan::", fun, "(model, data, cluster = \"school\"", paste(extra, collapse = ""), ")"), args = c(list(model = model, cluster = "school"), args), values = values, warnings = w)
  writeLines(toJSON(out, auto_unbox = TRUE, digits = 15, na = "null", null = "null"), "reference.json")
}
writeLines(toJSON(list(source = "simulated: sim_mlcfa with gaps and school variables", r = R.version.string), auto_unbox = TRUE), "about.json")
