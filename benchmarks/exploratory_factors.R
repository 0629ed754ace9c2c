suppressPackageStartupMessages({library(psych); library(GPArotation)})
x <- received("answers")
serve(list(
  "EFA minres + oblimin, 2,000 x 21" = function() fa(x, 2, fm = "minres", rotate = "oblimin"),
  "parallel analysis, 1,000 resamples, 2,000 x 21" = function() fa.parallel(x, n.iter = 1000, fm = "minres", fa = "both", plot = FALSE)
))
