suppressPackageStartupMessages(library(lavaan))
small <- received("small"); large <- received("large")
serve(list(
  "CFA ML with fit measures and tables, 2,000 x 12" = function() {
    f <- cfa(two_factors, small, std.lv = TRUE); fitMeasures(f); parameterEstimates(f, standardized = TRUE)
  },
  "CFA MLR, 20,000 x 12" = function() cfa(two_factors, large, std.lv = TRUE, estimator = "MLR")
))
