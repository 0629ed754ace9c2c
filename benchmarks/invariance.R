# The R side of invariance.py: Rscript invariance.R FOLDER ; prints one JSON line a task.
suppressPackageStartupMessages({library(lavaan); library(semTools)})
d <- read.csv(file.path(commandArgs(TRUE)[1], "survey.csv"))
best <- function(task, expr, runs) {
  e <- substitute(expr); frame <- parent.frame(); times <- c()
  for (i in seq_len(runs)) times <- c(times, system.time(suppressWarnings(suppressMessages(eval(e, frame))))[["elapsed"]])
  cat(sprintf('{"task": "%s", "seconds": %.6f}\n', task, min(times)))
}
model <- paste0("F1 =~ ", paste0("i", 1:6, collapse = " + "), "\nF2 =~ ", paste0("i", 7:12, collapse = " + "))
equal <- list("", "loadings", c("loadings", "intercepts"), c("loadings", "intercepts", "residuals"))
series <- function(...) {
  fits <- lapply(equal, function(e) cfa(model, d, std.lv = TRUE, group = "group", group.equal = e, ...))
  do.call(lavTestLRT, fits)
}
best("invariance ML", series(), 3)
best("invariance MLR", series(estimator = "MLR"), 3)
h <- d; h$group <- d$group %% 2; items <- paste0("i", 1:12)
ordinal <- function() {
  levels <- list("", "thresholds", c("thresholds", "loadings"), c("thresholds", "loadings", "intercepts"),
                 c("thresholds", "loadings", "intercepts", "residuals"))
  fits <- lapply(levels, function(e) {
    syntax <- measEq.syntax(model, h, ordered = items, parameterization = "theta", ID.fac = "std.lv",
                            ID.cat = "Wu.Estabrook.2016", group = "group", group.equal = e)
    cfa(as.character(syntax), h, ordered = items, group = "group", parameterization = "theta")
  })
  do.call(lavTestLRT, fits)
}
best("invariance WLSMV 2 groups", ordinal(), 1)
fit <- cfa(model, d)
best("modification indices", modindices(fit), 5)
best("composite reliability", {compRelSEM(fit, return.total = TRUE); compRelSEM(fit, tau.eq = TRUE, return.total = TRUE); AVE(fit); maximalRelia(fit)}, 5)
