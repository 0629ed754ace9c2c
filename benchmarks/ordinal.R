# The R side of ordinal.py: Rscript ordinal.R FOLDER ; prints one JSON line a task.
suppressPackageStartupMessages(library(lavaan))
folder <- commandArgs(TRUE)[1]
best <- function(task, expr, runs) {
  e <- substitute(expr); frame <- parent.frame(); times <- c()
  for (i in seq_len(runs)) times <- c(times, system.time(suppressWarnings(eval(e, frame)))[["elapsed"]])
  cat(sprintf('{"task": "%s", "seconds": %.6f}\n', task, min(times)))
}
model <- paste0("F1 =~ ", paste0("i", 1:6, collapse = " + "), "\nF2 =~ ", paste0("i", 7:12, collapse = " + "))
for (n in c(2000, 20000)) {
  d <- read.csv(file.path(folder, paste0("n", n, ".csv")))
  runs <- if (n == 2000) 5 else 2
  few <- d[paste0("i", 1:12)]
  if (n == 2000) best("polychoric 21 x 2000", lavCor(d, ordered = names(d), se = "none"), runs)
  if (n == 20000) best("polychoric with acov 21 x 20000", lavCor(d, ordered = names(d), se = "robust.sem", output = "fit"), 1)
  best(paste("cfa WLSMV 12 x", n), {
    f <- cfa(model, few, std.lv = TRUE, ordered = names(few)); fitMeasures(f); parameterEstimates(f, standardized = TRUE)
  }, runs)
}
