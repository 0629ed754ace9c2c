# Two-level one-factor models whose solution is improper at level 2 (a covariance matrix between that is not positive definite), with 8%
# of the answers missing, and with the gaps filled by rounded item means. Run: Rscript generate.R (from this folder).
suppressMessages(library(lavaan)); library(jsonlite)
set.seed(2)
J <- 50; size <- sample(5:9, J, TRUE); s <- rep(1:J, size); N <- length(s); k <- 6
load <- c(.8, .7, .6, .75, .65, .85)
x <- outer(rnorm(J)[s] * .4 + rnorm(N) * .9, load) + matrix(rnorm(N * k), N) %*% diag(sqrt(1 - load^2)) + (matrix(rnorm(J * k), J) * .1)[s, ]
x[matrix(runif(N * k) < .08, N)] <- NA
d <- data.frame(school = s, round(x, 2)); names(d)[-1] <- paste0("x", 1:k)
write.csv(d, "data.csv", row.names = FALSE, na = "", quote = FALSE); d <- read.csv("data.csv")
full <- d; for (v in names(d)[-1]) full[[v]][is.na(full[[v]])] <- round(mean(d[[v]], na.rm = TRUE), 2)
h <- paste(paste0("x", 1:k), collapse = " + "); model <- paste0("level: 1\nfw =~ ", h, "\nlevel: 2\nfb =~ ", h)
clean <- function(v) lapply(as.list(unclass(v)), function(z) if (is.finite(z)) as.numeric(z) else NA)
fit <- function(id, data, args) {
  f <- suppressWarnings(do.call("sem", c(list(model = model, data = data, cluster = "school", se = "none"), args)))
  stopifnot(lavInspect(f, "converged"))
  list(id = paste0("two_level_edge/", id), `function` = "sem", package = "lavaan", version = as.character(packageVersion("lavaan")),
    call = "lavaan::sem(model, data, cluster = \"school\", se = \"none\", ...)", args = c(list(model = model, cluster = "school"), args),
    values = list(fit = clean(suppressWarnings(fitMeasures(f))), smallest_between = min(eigen(f@implied$cov[[2]])$values),
      smallest_unrestricted = min(eigen(f@h1$implied$cov[[2]])$values)))
}
out <- list(fit("gaps", d, list(missing = "ml")), fit("filled", full, list()))
writeLines(toJSON(out, auto_unbox = TRUE, digits = 15, na = "null", null = "null"), "reference.json")
writeLines(toJSON(list(source = "simulated: one factor, small variance between schools", r = R.version.string), auto_unbox = TRUE), "about.json")
