# Models with ordinal items that the other cases do not have: WLS, mixed items, equality across
# groups, sampling weights, covariates (conditional.x). Writes data.csv and reference.json.
# Run in this folder: Rscript generate.R
suppressPackageStartupMessages({library(lavaan); library(jsonlite)})
options(digits = 15)
set.seed(40711)
n <- 700
g <- rep(c("north", "south"), c(380, 320))
x1 <- round(rnorm(n), 6); x2 <- rbinom(n, 1, .45)
f1 <- .3 * x1 - .2 * x2 + rnorm(n) * ifelse(g == "north", 1, 1.2) + ifelse(g == "south", .3, 0)
f2 <- .5 * f1 + rnorm(n) * .8
item <- function(f, loading, cuts) findInterval(loading * f + rnorm(n) * .7, cuts) + 1L
d <- data.frame(g = g, x1 = x1, x2 = x2,
  o1 = item(f1, .8, c(-1.2, -.2, .9)), o2 = item(f1, .7, c(-1, 0, 1.1)), o3 = item(f1, .6, c(-.9, .2, 1.3)), o4 = item(f1, .75, c(-1.4, -.3, .6)),
  b1 = item(f2, .8, .2), b2 = item(f2, .7, -.3), o5 = item(f2, .65, c(-1, .1, .9, 1.6)), o6 = item(f2, .7, c(-.6, .8)),
  y1 = round(2 + .8 * f1 + rnorm(n), 6), y2 = round(.9 * f2 + 1.5 * rnorm(n), 6), w = round(runif(n, .4, 2), 6))
for (v in four <- c("o1", "o2", "b1", "o6", "y1")) { m <- d[[v]]; m[sample(n, 60)] <- NA; d[[paste0("m", v)]] <- m }
write.csv(d, "data.csv", row.names = FALSE, na = "")
d <- read.csv("data.csv")
two <- "f1 =~ o1 + o2 + o3 + o4\nf2 =~ b1 + b2 + o5 + o6"
one <- "f1 =~ o1 + o2 + o3 + o4"
mix <- "f1 =~ o1 + o2 + o3 + y1\nf2 =~ y2 + b1 + o5 + o6"
ordinals <- c("o1", "o2", "o3", "o4", "b1", "b2", "o5", "o6")
four <- c("o1", "o2", "o3", "o4")
out <- list()
record <- function(id, model, ordered, fun = "cfa", ...) {
  args <- list(...)
  f <- do.call(fun, c(list(model, d, ordered = ordered), args))
  m <- fitMeasures(f); p <- parameterEstimates(f, standardized = TRUE)
  keep <- c("npar", "chisq", "df", "chisq.scaled", "df.scaled", "pvalue.scaled", "chisq.scaling.factor", "baseline.chisq", "baseline.df",
    "baseline.chisq.scaled", "cfi", "tli", "cfi.scaled", "tli.scaled", "cfi.robust", "tli.robust", "rmsea", "rmsea.scaled", "rmsea.robust",
    "srmr", "rmr", "crmr", "srmr_bentler", "gfi", "agfi", "wrmr", "mfi", "cn_05")
  m <- m[intersect(keep, names(m))]
  group <- if (!is.null(p$group) && max(p$group) > 1) paste0("@g", p$group) else ""
  group[p$group == 0] <- ""
  values <- list(converged = lavInspect(f, "converged"), fit = as.list(m),
    par = list(key = trimws(paste0(paste(p$lhs, p$op, p$rhs), group)), est = p$est, se = p$se, std.all = p$std.all))
  out[[length(out) + 1]] <<- list(id = paste0("ordinal_models/", id), "function" = fun, package = "lavaan", version = as.character(packageVersion("lavaan")),
    call = paste0("lavaan::", fun, "(model, data, ordered, ...)"), args = c(list(model = model, ordered = I(ordered)), args), values = values)
}
record("WLS", two, ordinals, estimator = "WLS")
record("WLSMV.mixed", mix, ordinals)
record("WLSMV.mixed.theta", mix, ordinals, parameterization = "theta")
record("ULSMV.mixed.stdlv", mix, ordinals, estimator = "ULSMV", std.lv = TRUE)
record("WLSMV.groups", two, ordinals, group = "g")
for (p in c("delta", "theta")) {
  record(paste0("WLSMV.groups.loadings.", p), two, ordinals, group = "g", group.equal = "loadings", parameterization = p)
  record(paste0("WLSMV.groups.thresholds.", p), two, ordinals, group = "g", group.equal = c("loadings", "thresholds"), parameterization = p)
}
record("WLSMV.groups.all", one, four, group = "g", group.equal = c("loadings", "thresholds", "residuals", "means"), parameterization = "theta")
record("WLSMV.weights", two, ordinals, sampling.weights = "w")
record("DWLS.labels", "f1 =~ a*o1 + a*o2 + b*o3 + b*o4\nd := a - b", four, estimator = "DWLS", std.lv = TRUE)
record("WLSMV.residual_covariance", paste0(two, "\no1 ~~ o2"), ordinals)
record("WLSMV.second_regression", "f1 =~ o1 + o2 + o3 + o4\nf2 =~ b1 + b2 + o5 + o6\nf2 ~ f1", ordinals, fun = "sem")
record("WLSMV.covariates", paste0(two, "\nf1 ~ x1 + x2\nf2 ~ f1 + x1"), ordinals, fun = "sem")
record("WLSMV.covariates.mixed", paste0(mix, "\nf1 ~ x1 + x2\nf2 ~ f1"), ordinals, fun = "sem")
record("WLSMV.covariates.direct", paste0(one, "\nf1 ~ x1 + x2\no2 ~ x2"), four, fun = "sem")
record("WLSMV.covariates.theta", paste0(one, "\nf1 ~ x1 + x2"), four, fun = "sem", parameterization = "theta")
record("WLSMV.covariates.groups", paste0(one, "\nf1 ~ x1"), four, fun = "sem", group = "g")
record("WLSMV.path", "o1 ~ x1 + x2\no5 ~ o1 + x1", c("o1", "o5"), fun = "sem")
record("WLSMV.pairwise", "f =~ mo1 + mo2 + mb1 + mo6", c("mo1", "mo2", "mb1", "mo6"), missing = "pairwise")
record("WLSMV.pairwise.mixed", "f =~ mo1 + mo2 + mb1 + mo6 + my1", c("mo1", "mo2", "mb1", "mo6"), missing = "pairwise")
record("WLSMV.pairwise.covariates", "f =~ mo1 + mo2 + mb1 + mo6 + my1\nf ~ x1 + x2", c("mo1", "mo2", "mb1", "mo6"), fun = "sem", missing = "pairwise")
writeLines(toJSON(out, digits = 15, auto_unbox = TRUE, na = "null"), "reference.json")
writeLines(capture.output(sessionInfo()), "session.txt")
