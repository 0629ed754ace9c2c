suppressPackageStartupMessages(library(lavaan))
small <- received("small"); large <- received("large")
wlsmv <- function(x) {
  x <- x[1:12]; f <- cfa(two_factors, x, std.lv = TRUE, ordered = names(x))
  fitMeasures(f); parameterEstimates(f, standardized = TRUE)
}
serve(list(
  "polychoric matrix, 2,000 x 21" = function() lavCor(small, ordered = names(small), se = "none"),
  "polychoric with acov, 20,000 x 21" = function() lavCor(large, ordered = names(large), se = "robust.sem", output = "fit"),
  "CFA WLSMV, 2,000 x 12" = function() wlsmv(small),
  "CFA WLSMV, 20,000 x 12" = function() wlsmv(large)
))
