# The R side of casewise.py: Rscript casewise.R FOLDER ; prints one JSON line a task.
suppressPackageStartupMessages(library(lavaan))
folder <- commandArgs(TRUE)[1]
best <- function(task, expr, runs) {
  e <- substitute(expr); frame <- parent.frame(); times <- c()
  for (i in seq_len(runs)) times <- c(times, system.time(suppressWarnings(eval(e, frame)))[["elapsed"]])
  cat(sprintf('{"task": "%s", "seconds": %.6f}\n', task, min(times)))
}
first <- paste0("i", 1:6, collapse = " + "); second <- paste0("i", 7:12, collapse = " + ")
one <- paste0("F1 =~ ", first, "\nF2 =~ ", second)
two <- paste0("level: 1\nW1 =~ ", first, "\nW2 =~ ", second, "\nlevel: 2\nB1 =~ ", first, "\nB2 =~ ", second)
read <- function(name) read.csv(file.path(folder, paste0(name, ".csv")))
gaps <- read("gaps"); even <- read("even"); uneven <- read("uneven")
best("fiml 2000", cfa(one, gaps, missing = "fiml", std.lv = TRUE), 2)
best("fiml mlr 2000", cfa(one, gaps, missing = "fiml", estimator = "MLR", std.lv = TRUE), 2)
best("two-level balanced 20000", cfa(two, even, cluster = "school", std.lv = TRUE), 2)
best("two-level unbalanced", cfa(two, uneven, cluster = "school", std.lv = TRUE), 2)
best("two-level unbalanced mlr", cfa(two, uneven, cluster = "school", estimator = "MLR", std.lv = TRUE), 1)
best("two-level fiml 2000", cfa(two, gaps, cluster = "school", missing = "fiml", std.lv = TRUE), 1)
