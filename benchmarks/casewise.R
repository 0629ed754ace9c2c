suppressPackageStartupMessages(library(lavaan))
gaps <- received("gaps"); even <- received("even"); uneven <- received("uneven")
levels <- paste0("level: 1\nW1 =~ ", first, "\nW2 =~ ", second, "\nlevel: 2\nB1 =~ ", first, "\nB2 =~ ", second)
fiml <- function(...) cfa(two_factors, gaps, missing = "fiml", std.lv = TRUE, ...)
schools <- function(d, ...) cfa(levels, d, cluster = "school", std.lv = TRUE, ...)
serve(list(
  "CFA FIML, 10% missing, 2,000 x 12" = function() fiml(),
  "CFA FIML MLR, 10% missing, 2,000 x 12" = function() fiml(estimator = "MLR"),
  "two-level CFA, balanced, 20,000 in 1,000 schools" = function() schools(even),
  "two-level CFA, unbalanced, 1,000 schools" = function() schools(uneven),
  "two-level CFA MLR, unbalanced, 1,000 schools" = function() schools(uneven, estimator = "MLR"),
  "two-level FIML, 10% missing, 2,000 in 100 schools" = function() schools(gaps, missing = "fiml")
))
