suppressPackageStartupMessages({library(psych); library(lavaan); library(semTools); library(GPArotation)})
x <- items(received("small")); one <- paste("F =~", paste(names(x), collapse = " + "))
y <- x[1:12]; short <- paste("F =~", paste(names(y), collapse = " + "))
refit <- function() compRelSEM(cfa(short, y[sample.int(nrow(y), replace = TRUE), ], std.lv = TRUE, se = "none", test = "none"))
serve(list(
  "alpha, 2,000 x 21" = function() alpha(x, warnings = FALSE),
  "bootstrap interval of alpha, 2,000 resamples" = function() alpha(x, n.iter = 2000, warnings = FALSE),
  "omega hierarchical, 3 group factors, 21 items" = function() omega(x, 3, plot = FALSE),
  "ordinal omega, 21 items" = function() compRelSEM(cfa(one, x, std.lv = TRUE, ordered = names(x)), ord.scale = TRUE),
  "bootstrap interval of omega, 100 refits" = function() replicate(100, refit()),
  "alpha, 1,000,000 x 21" = function() alpha(items(received("large")), warnings = FALSE)
))
