# Reliability on data and models beside the other folders: psych::msq moods, semTools::datCat,
# lavaan's factor scores, simulated items with unequal numbers of categories, a Heywood case,
# ratings whose rater variance is 0. Writes data.csv and reference.json.
# Run in this folder: Rscript generate.R
suppressPackageStartupMessages({library(psych); library(lavaan); library(semTools); library(jsonlite)})
options(digits = 15)
set.seed(4711)
n <- 420
f <- rnorm(n); g <- .6 * f + .8 * rnorm(n)
item <- function(t, loading, cuts) findInterval(loading * t + sqrt(1 - loading^2) * rnorm(n), cuts) + 1L
d <- data.frame(
  a1 = item(f, .8, c(-1.5, -.5, .5, 1.5)), a2 = item(f, .7, c(-1, 0, 1)), a3 = item(f, .6, .3), a4 = item(f, .75, c(-1.2, -.4, .4, .9, 1.6)),
  a5 = item(f, .5, c(-.8, .9)), a6 = item(f, .65, c(-1.5, -.5, .5, 1.5)),
  b1 = item(g, .7, c(-1.5, -.5, .5, 1.5)), b2 = item(g, .6, c(-1.5, -.5, .5, 1.5)), b3 = item(g, .8, c(-1.5, -.5, .5, 1.5)), b4 = item(g, .5, c(-1.5, -.5, .5, 1.5)),
  b5 = item(g, .65, c(-1.5, -.5, .5, 1.5)), b6 = item(g, .7, c(-1.5, -.5, .5, 1.5)), b7 = item(g, .4, c(-1.5, -.5, .5, 1.5)), b8 = item(g, .55, c(-1.5, -.5, .5, 1.5)))
for (v in c("b1", "b4", "b6")) d[[v]][sample(n, 30)] <- NA
h <- rnorm(n); d$h1 <- round(h + .05 * rnorm(n), 4); d$h2 <- round(.8 * h + .6 * rnorm(n), 4); d$h3 <- round(.3 * h + rnorm(n), 4); d$h4 <- round(.25 * h + rnorm(n) - .5 * (d$h3 > 1), 4)
d$r1 <- c(round(2 + rnorm(20) + (1:20) / 8, 2), rep(NA, n - 20)); for (j in 2:4) d[[paste0("r", j)]] <- c(round(2 + rnorm(20) + (1:20) / 8, 2), rep(NA, n - 20))
d$s1 <- d$r1; d$s2 <- replace(d$r2 + .8, c(3, 9), NA); d$s3 <- replace(d$r3 - .5, c(7, 9, 12), NA); d$s4 <- d$r4
write.csv(d, "data.csv", row.names = FALSE, na = "")
d <- read.csv("data.csv"); out <- list()
A <- paste0("a", 1:6); B <- paste0("b", 1:8); H <- paste0("h", 1:4)
put <- function(id, fun, pkg, call, args, values, note = NULL) { e <- list(id = paste0("reliability/", id), `function` = fun, package = pkg, version = as.character(packageVersion(pkg)), call = call, args = args, values = values); if (!is.null(note)) e$note <- note; out[[length(out) + 1]] <<- e }
frame <- function(x) c(list(.row = I(rownames(x))), lapply(as.list(x), I))

for (s in list(A, B, B[1:2], B[1:3])) { x <- d[s]; o <- suppressWarnings(psych::alpha(x)); id <- paste0("alpha.", s[1], "_", s[length(s)])
  put(id, "alpha", "psych", "psych::alpha(x)", list(items = I(s)), list(total = as.list(o$total), feldt = lapply(o$feldt, function(e) as.numeric(unlist(e))), alpha_drop = frame(o$alpha.drop), item_stats = frame(o$item.stats))) }
R <- cor(d[A]); o <- psych::alpha(R, n.obs = 420); put("alpha.matrix", "alpha", "psych", "psych::alpha(cor(x), n.obs = 420)", list(items = I(A), n_obs = 420), list(total = as.list(o$total), feldt = lapply(psych::alpha.ci(o$total$raw_alpha, 420, 6), function(e) as.numeric(unlist(e)))))

one <- function(s, ...) cfa(paste("f =~", paste(s, collapse = "+")), d[s], std.lv = TRUE, ...)
for (s in list(A, B, H, B[1:4], A[1:3])) { f1 <- suppressWarnings(one(s, control = list(rel.tol = 1e-12))); if (!lavInspect(f1, "converged")) f1 <- suppressWarnings(one(s)); stopifnot(lavInspect(f1, "converged")); id <- paste0("omega.", s[1], "_", s[length(s)])
  put(id, "compRelSEM", "semTools", "semTools::compRelSEM(lavaan::cfa(one factor, x, std.lv = TRUE))", list(items = I(s)), list(omega = as.numeric(compRelSEM(f1)), loadings = I(as.vector(lavInspect(f1, "est")$lambda)), theta = I(as.vector(diag(lavInspect(f1, "est")$theta))), chisq = as.numeric(fitMeasures(f1, "chisq")), n = nobs(f1))) }
for (s in list(A, B, B[1:4], A[1:3])) { f1 <- one(s, ordered = s); stopifnot(lavInspect(f1, "converged")); id <- paste0("omega_ordinal.", s[1], "_", s[length(s)])
  put(id, "compRelSEM", "semTools", "semTools::compRelSEM(lavaan::cfa(one factor, x, ordered = TRUE, std.lv = TRUE))", list(items = I(s)), list(omega = as.numeric(compRelSEM(f1)), loadings = I(as.vector(lavInspect(f1, "est")$lambda)), n = nobs(f1))) }

for (s in list(A, B, c(A, B))) { x <- na.omit(d[s]); id <- paste0(s[1], "_", s[length(s)])
  sp <- psych::splitHalf(cor(x), raw = TRUE, brute = TRUE, check.keys = FALSE); put(paste0("splitHalf.", id), "splitHalf", "psych", "psych::splitHalf(cor(x), raw = TRUE, brute = TRUE)", list(items = I(s)), list(maxrb = sp$maxrb, minrb = sp$minrb, meanr = sp$meanr, n_splits = length(sp$raw)))
  gu <- suppressWarnings(psych::guttman(cor(x))); put(paste0("guttman.", id), "guttman", "psych", "psych::guttman(cor(x))", list(items = I(s)), gu[c("lambda.1", "lambda.2", "lambda.3", "lambda.4", "lambda.5", "lambda.6")]) }

x <- na.omit(d[c(A, B)]); for (fm in c("minres", "ml")) for (nf in 2:3) { o <- suppressMessages(suppressWarnings(psych::omega(cor(x), nf, fm = fm, n.obs = nrow(x), plot = FALSE)))
  put(sprintf("omega_h.%s.%d", fm, nf), "omega", "psych", sprintf("psych::omega(cor(x), %d, fm = '%s')", nf, fm), list(items = I(c(A, B)), nf = nf, fm = fm), list(omega_h = o$omega_h, omega_total = o$omega.tot, omega_lim = o$omega.lim, ecv = as.numeric(o$ECV), group = frame(as.data.frame(o$omega.group)), alpha = o$alpha, G6 = o$G6)) }

icc_of <- function(id, s, ...) { x <- na.omit(d[1:20, s]); if (anyNA(d[1:20, s])) x <- d[1:20, s]; o <- suppressWarnings(suppressMessages(psych::ICC(x, ...))); put(paste0("icc.", id), "ICC", "psych", "psych::ICC(x)", list(items = I(s)), list(results = frame(o$results))) }
icc_of("zero.aov", paste0("r", 1:4), lmer = FALSE); icc_of("zero.lmer", paste0("r", 1:4)); icc_of("missing.lmer", paste0("s", 1:4))

m <- "A =~ a1 + a2 + a3 + a4 + a5 + a6\nB =~ b1 + b2 + b3 + b4 + b5 + b6 + b7 + b8"
for (h2 in c(TRUE, FALSE)) for (ab in c(TRUE, FALSE)) { o <- semTools::htmt(m, d, htmt2 = h2, absolute = ab); put(sprintf("htmt.%s.%s", if (h2) "geometric" else "arithmetic", ab), "htmt", "semTools", sprintf("semTools::htmt(m, x, htmt2 = %s, absolute = %s)", h2, ab), list(geometric = h2, absolute = ab), list(htmt = unclass(o)[1, 2])) }
y <- data.frame(id = 1:n, time = 1, setNames(d[A], A)); z <- data.frame(id = 1:n, time = 2, setNames(d[B[1:6]], A))
o <- suppressWarnings(suppressMessages(psych::testRetest(y, z, keys = A, lmer = FALSE, check.keys = FALSE, sort = FALSE)))
put("testRetest", "testRetest", "psych", "psych::testRetest(a1..a6, b1..b6 as the second occasion)", list(first = I(A), second = I(B[1:6])), list(r12 = as.numeric(o$r12), rqq_mean = mean(o$rqq, na.rm = TRUE), rqq = I(head(as.vector(o$rqq), 12)), dxy = I(head(o$dxy$dxy, 12)), rii = I(o$item.stats$rii), alpha = I(unname(o$alpha[, "raw G3"]))))
s <- c(A, B); o <- psych::describe(d[c(s, H)]); put("describe", "describe", "psych", "psych::describe(x)", list(items = I(c(s, H))), frame(as.data.frame(o)[c("n", "mean", "sd", "median", "trimmed", "mad", "min", "max", "skew", "kurtosis", "se")]))
write(toJSON(out, digits = NA, auto_unbox = TRUE, na = "null", pretty = FALSE), "reference.json")
writeLines(capture.output(sessionInfo()), "session.txt")
