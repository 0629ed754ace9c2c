suppressPackageStartupMessages({library(lavaan); library(semTools)})
d <- received("answers"); halves <- d; halves$group <- d$group %% 2; all <- names(items(d))
equal <- list("", "loadings", c("loadings", "intercepts"), c("loadings", "intercepts", "residuals"))
series <- function(...) do.call(lavTestLRT, lapply(equal, function(e) cfa(two_factors, d, std.lv = TRUE, group = "group", group.equal = e, ...)))
ordinal <- function() {
  levels <- list("", "thresholds", c("thresholds", "loadings"), c("thresholds", "loadings", "intercepts"),
                 c("thresholds", "loadings", "intercepts", "residuals"))
  fits <- lapply(levels, function(e) {
    syntax <- measEq.syntax(two_factors, halves, ordered = all, parameterization = "theta", ID.fac = "std.lv",
                            ID.cat = "Wu.Estabrook.2016", group = "group", group.equal = e)
    cfa(as.character(syntax), halves, ordered = all, group = "group", parameterization = "theta")
  })
  do.call(lavTestLRT, fits)
}
fit <- cfa(two_factors, d)
serve(list(
  "invariance, 4 groups, 4 levels, ML" = function() series(),
  "invariance, 4 groups, 4 levels, MLR" = function() series(estimator = "MLR"),
  "invariance, 2 groups, 5 levels, WLSMV" = ordinal,
  "modification indices, 12 items" = function() modindices(fit),
  "composite reliability, 12 items" = function() {
    compRelSEM(fit, return.total = TRUE); compRelSEM(fit, tau.eq = TRUE, return.total = TRUE); AVE(fit); maximalRelia(fit)
  }
))
