# The R side of schools.py: Rscript schools.R FOLDER ; prints one JSON line a task.
suppressPackageStartupMessages({library(multilevel); library(lme4)})
folder <- commandArgs(TRUE)[1]
best <- function(task, expr, runs) {
  e <- substitute(expr); frame <- parent.frame(); times <- c()
  for (i in seq_len(runs)) times <- c(times, system.time(suppressWarnings(suppressMessages(eval(e, frame))))[["elapsed"]])
  cat(sprintf('{"task": "%s", "seconds": %.6f}\n', task, min(times)))
}
d <- read.csv(file.path(folder, "schools.csv")); x <- d[grep("^i[0-9]", names(d))]; g <- d$school
best("rwg(j) 15,000 x 20 x 12", rwg.j(x, g, ranvar = 35 / 12), 2)
best("AD about the median, the same", ad.m(x, g, type = "median"), 1)
best("ICC(1), ICC(2) of 12 items by REML", mult.icc(x, g), 1)
best("rwg(j) null simulation, 1,000", rwg.j.sim(20, 12, 6, nrep = 1000), 2)
best("random intercept REML, 300,000", lmer(cte ~ ses + (1 | school), d), 3)
best("random slope REML, 300,000", lmer(y ~ w + (1 + w | school), d), 1)
