# The R side of structural.py: Rscript structural.R FOLDER ; prints one JSON line a task.
suppressPackageStartupMessages(library(lavaan))
folder <- commandArgs(TRUE)[1]
small <- read.csv(file.path(folder, "small.csv")); large <- read.csv(file.path(folder, "large.csv"))
gaps <- read.csv(file.path(folder, "gaps.csv"))
best <- function(task, expr, runs) {
  e <- substitute(expr); frame <- parent.frame(); times <- c()
  for (i in seq_len(runs)) times <- c(times, system.time(suppressWarnings(eval(e, frame)))[["elapsed"]])
  cat(sprintf('{"task": "%s", "seconds": %.6f}\n', task, min(times)))
}
model <- paste0("F1 =~ ", paste0("i", 1:6, collapse = " + "), "\nF2 =~ ", paste0("i", 7:12, collapse = " + "))
best("CFA ML with fit measures and tables, N = 2,000", {f <- cfa(model, small, std.lv = TRUE); fitMeasures(f); parameterEstimates(f, standardized = TRUE)}, 9)
best("CFA MLR, N = 20,000", cfa(model, large, std.lv = TRUE, estimator = "MLR"), 5)
best("CFA FIML, 10% missing, N = 2,000", cfa(model, gaps, std.lv = TRUE, missing = "fiml"), 3)
best("CFA FIML-MLR, 10% missing, N = 2,000", cfa(model, gaps, std.lv = TRUE, missing = "fiml", estimator = "MLR"), 2)
