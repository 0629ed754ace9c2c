# The peers of reliability.py: psych, lavaan and semTools on the same answers.
# Run by reliability.py: Rscript reliability.R FOLDER [large]
suppressPackageStartupMessages({library(psych); library(lavaan); library(semTools); library(GPArotation)})
options(warn = -1, mc.cores = 1)
arguments <- commandArgs(TRUE)
read <- function(stem, n) { x <- matrix(as.double(readBin(file.path(arguments[1], stem), "integer", n * 21, size = 1)), n, 21, byrow = TRUE); colnames(x) <- paste0("i", 1:21); as.data.frame(x) }
say <- function(task, seconds, value) cat(sprintf('{"task": "%s", "seconds": %.6f, "value": %.10f}\n', task, seconds, value))
timed <- function(task, runs, f) {
  quietly <- function() { sink(nullfile()); on.exit(sink()); suppressMessages(suppressWarnings(f())) }
  times <- c(); value <- NA
  for (i in seq_len(runs + (runs > 1))) { t <- as.numeric(Sys.time()); value <- quietly(); times <- c(times, as.numeric(Sys.time()) - t) }
  say(task, min(times), value)
}
x <- read("small", 2000); m <- paste("f =~", paste(names(x), collapse = "+")); twelve <- x[1:12]; m12 <- paste("f =~", paste(names(twelve), collapse = "+"))
timed("alpha 21 x 2000", 5, function() psych::alpha(x)$total$raw_alpha)
timed("alpha bootstrap 21 x 2000", 1, function() psych::alpha(x, n.iter = 2000)$total$raw_alpha)
timed("omega hierarchical 21 x 2000", 5, function() psych::omega(x, 3, plot = FALSE)$omega_h)
timed("ordinal omega 21 x 2000", 2, function() as.numeric(compRelSEM(cfa(m, x, std.lv = TRUE, ordered = TRUE))))
timed("omega bootstrap 100 12 x 2000", 1, function() mean(replicate(100, as.numeric(compRelSEM(cfa(m12, twelve[sample.int(2000, replace = TRUE), ], std.lv = TRUE, se = "none", test = "none"))))))
if (length(arguments) > 1) { x <- read("large", 1e6); timed("alpha 21 x 1000000", 1, function() psych::alpha(x)$total$raw_alpha) }
