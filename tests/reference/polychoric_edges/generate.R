# Polychoric correlations in awkward tables: empty cells, perfect association, unequal numbers of
# categories, mixed columns, missing answers. Writes data.csv and reference.json.
# Run in this folder: Rscript generate.R
suppressPackageStartupMessages({library(lavaan); library(jsonlite)})
options(digits = 15)
set.seed(20261)
n <- 300
f <- rnorm(n)
item <- function(loading, cuts) findInterval(loading * f + sqrt(1 - loading^2) * rnorm(n), cuts) + 1L
d <- data.frame(
  b1 = item(.7, .2), b2 = item(.6, -.3), e1 = item(.5, 1.2),
  s3 = item(.7, c(-1.6, .4)), s5 = item(.8, c(-2, -1, 0, 1.4)), s7 = item(.6, c(-2.2, -1.5, -.8, 0, .7, 1.9)),
  q4 = item(.8, c(-1, 0, 1)), x1 = .6 * f + rnorm(n), x2 = 50 + 10 * (.5 * f + .8 * rnorm(n)))
d$e2 <- ifelse(d$e1 == 2, 2L, item(.4, .5)); d$e2[1:3] <- 1L; d$e2[d$e1 == 2] <- 2L   # one empty cell with e1
d$p1 <- d$b1                                    # perfect with b1
d$p2 <- 3L - d$b1                               # perfectly reversed
d$q4b <- d$q4                                   # perfect in a 4 x 4 table
d$m3 <- replace(d$s3, sample(n, 40), NA); d$m5 <- replace(d$s5, sample(n, 30), NA)
d$mx <- replace(d$x1, sample(n, 35), NA); d$m7 <- replace(d$s7, sample(n, 25), NA); d$mz <- replace(d$x2, sample(n, 20), NA)
d$x1 <- round(d$x1, 6); d$x2 <- round(d$x2, 6); d$mx <- round(d$mx, 6); d$mz <- round(d$mz, 6)
write.csv(d, "data.csv", row.names = FALSE, na = "")
d <- read.csv("data.csv")
out <- list()
plain <- function(m) list(rows = I(rownames(m)), cols = I(colnames(m)), data = unname(apply(unclass(m), 1, as.list)))
matrix_of <- function(m) list(names = rownames(m), lower = I(t(m)[upper.tri(m, diag = TRUE)]))
record <- function(id, items, ordered = items, missing = "listwise", gamma = TRUE, ...) {
  x <- d[items]; if (missing == "listwise") x <- na.omit(x)
  r <- suppressWarnings(lavCor(x, ordered = ordered, missing = missing, output = "cor", ...))
  values <- list(cor = list(rows = I(items), cols = I(items), data = I(as.vector(t(unclass(r))))))
  if (gamma) {
    fit <- suppressWarnings(lavCor(x, ordered = ordered, missing = missing, se = "robust.sem", output = "fit", ...))
    g <- unclass(lavInspect(fit, "gamma")); values$gamma <- list(rows = I(rownames(g)), cols = I(colnames(g)), data = I(as.vector(t(g))))
    w <- lavInspect(fit, "wls.obs"); values$obs <- I(as.numeric(w))
  }
  out[[length(out) + 1]] <<- list(id = paste0("polychoric_edges/", id), "function" = "lavaan::lavCor", package = "lavaan",
    version = as.character(packageVersion("lavaan")), call = "lavCor(x, ordered, missing, ...)",
    args = c(list(items = I(items), ordered = I(ordered), missing = missing), list(...)), values = values)
}
record("unequal", c("b1", "s3", "s5", "s7", "q4"))
record("binary", c("b1", "b2", "e1"))
record("one_empty_cell", c("e1", "e2", "b2"))
record("one_empty_cell.no_correction", c("e1", "e2", "b2"), gamma = FALSE, zero.add = c(0, 0))
record("empty_cells.filled", c("s5", "s7", "q4"), gamma = FALSE, zero.add = c(0.5, 0.5))
record("perfect.binary", c("b1", "p1", "b2"), gamma = FALSE)
record("perfect.reversed", c("b1", "p2", "b2"), gamma = FALSE)
record("perfect.four", c("q4", "q4b", "s5"), gamma = FALSE)
record("mixed", c("b1", "x1", "s5", "x2", "s7"), ordered = c("b1", "s5", "s7"))
record("mixed.pairwise", c("m3", "mx", "m5", "mz", "m7"), ordered = c("m3", "m5", "m7"), missing = "pairwise")
record("pairwise", c("m3", "m5", "m7"), missing = "pairwise")
writeLines(toJSON(out, digits = 15, auto_unbox = TRUE, na = "null"), "reference.json")
writeLines(capture.output(sessionInfo()), "session.txt")
