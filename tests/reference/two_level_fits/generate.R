# Two-level models beyond the other reference sets: groups, covariates at both levels, outcomes between
# clusters. Data: lavaan::Demo.twolevel, clusters with even id up to 160, rounded to 4 decimals, rows
# shuffled, `group` by cluster. Run: Rscript generate.R (from this folder).
suppressMessages(library(lavaan)); library(jsonlite)
d <- lavaan::Demo.twolevel
d <- d[d$cluster %% 2 == 0 & d$cluster <= 160, ]
d <- round(d, 4); set.seed(20261121)
d$group <- ifelse(d$cluster %% 4 == 0, "B", "A")
d <- d[sample(nrow(d)), ]; first <- which(d$group == "A")[1]; d <- d[c(first, setdiff(seq_len(nrow(d)), first)), ]
write.csv(d, "data.csv", row.names = FALSE, na = "", quote = FALSE); d <- read.csv("data.csv")

models <- list(
  two = "level: 1\nfw =~ y1 + y2 + y3\nlevel: 2\nfb =~ y1 + y2 + y3",
  metric = "level: 1\nfw =~ NA*y1 + a*y1 + b*y2 + c*y3 + e*y4\nfw ~~ 1*fw\nlevel: 2\nfb =~ NA*y1 + a*y1 + b*y2 + c*y3 + e*y4\nfb ~~ fb",
  covariates = "level: 1\nfw =~ y1 + y2 + y3\nfw ~ x1 + x2\nlevel: 2\nfb =~ y1 + y2 + y3\nfb ~ w1 + w2",
  split = "level: 1\nfw =~ y1 + y2 + y3\nfw ~ x1\nlevel: 2\nfb =~ y1 + y2 + y3\nfb ~ w1 + x1",
  outcome = "level: 1\nfw =~ y1 + y2 + y3 + y4\nlevel: 2\nfb =~ y1 + y2 + y3 + y4\nw2 ~ fb + w1",
  saturated_between = "level: 1\nfw =~ y1 + y2 + y3 + y4\nlevel: 2\ny1 ~~ y1 + y2 + y3 + y4\ny2 ~~ y2 + y3 + y4\ny3 ~~ y3 + y4\ny4 ~~ y4")
two_labels <- "level: 1\nfw =~ y1 + b*y2 + c*y3\nlevel: 2\nfb =~ y1 + d*y2 + e*y3"
models$two_groups <- paste0("group: A\n", models$two, "\ngroup: B\n", models$two)
models$two_loadings <- paste0("group: A\n", two_labels, "\ngroup: B\n", two_labels)
runs <- list(
  list("two.ML", "two"), list("metric.ML", "metric"), list("metric.MLR", "metric", estimator = "MLR"),
  list("covariates.ML", "covariates", .f = "sem"), list("covariates.MLR", "covariates", .f = "sem", estimator = "MLR"),
  list("covariates.expected", "covariates", .f = "sem", information = "expected"),
  list("covariates.free_x", "covariates", .f = "sem", fixed.x = FALSE), list("split.ML", "split", .f = "sem"),
  list("split.MLR", "split", .f = "sem", estimator = "MLR"),
  list("outcome.ML", "outcome", .f = "sem"), list("outcome.MLR", "outcome", .f = "sem", estimator = "MLR"),
  list("saturated_between.ML", "saturated_between"),
  list("groups.ML", "two_groups", group = "group"), list("groups.loadings", "two_loadings", group = "group"))
out <- list()
clean <- function(v) { v <- as.list(unclass(v)); lapply(v, function(z) if (is.finite(z)) as.numeric(z) else NA) }
for (r in runs) {
  id <- r[[1]]; model <- models[[r[[2]]]]; fun <- if (is.null(r$.f)) "cfa" else r$.f
  args <- r[setdiff(names(r), c("", ".f"))]
  cat(id, "\n"); t0 <- Sys.time(); w <- character(0)
  f <- withCallingHandlers(do.call(fun, c(list(model = model, data = d, cluster = "cluster"), args)), warning = function(x) { w <<- c(w, conditionMessage(x)); invokeRestart("muffleWarning") })
  p <- as.data.frame(parameterEstimates(f)); pt <- as.data.frame(parTable(f)); pt <- pt[pt$op %in% c("=~", "~~", "~", "~1"), ]
  extra <- sapply(names(args), function(n) sprintf(", %s = %s", n, deparse(args[[n]])))
  values <- list(converged = lavInspect(f, "converged"), npar = unname(fitMeasures(f, "npar")), nobs = nobs(f), fit = clean(fitMeasures(f)),
    par = list(lhs = p$lhs, op = p$op, rhs = p$rhs, level = p$level, group = if (is.null(args$group)) rep(1L, nrow(p)) else if (is.character(p$group)) match(p$group, c("A", "B")) else p$group, est = p$est, se = p$se), icc = if (is.null(args$group)) as.list(lavInspect(f, "icc")) else NULL)
  if (id %in% c("two.ML", "metric.ML", "covariates.ML")) for (l in 1:2) { s <- try(lavPredict(f, level = l), silent = TRUE); if (!inherits(s, "try-error")) values[[paste0("scores_level", l)]] <- list(head = unname(apply(head(unclass(s), 10), 1, as.list)), n = nrow(s), sum = unname(colSums(s)), sum_sq = unname(colSums(s^2)), names = colnames(s)) }
  out[[length(out) + 1]] <- list(id = paste0("two_level_fits/", id), `function` = fun, package = "lavaan", version = as.character(packageVersion("lavaan")),
    call = paste0("lavaan::", fun, "(model, data, cluster = \"cluster\"", paste(extra, collapse = ""), ")"), args = c(list(model = model, cluster = "cluster"), args), values = values, warnings = w, seconds = as.numeric(Sys.time() - t0, units = "secs"))
  writeLines(toJSON(out, auto_unbox = TRUE, digits = 15, na = "null", null = "null"), "reference.json")
}
writeLines(toJSON(list(source = "lavaan::Demo.twolevel", note = "clusters with even id up to 160, rows shuffled", r = R.version.string), auto_unbox = TRUE), "about.json")
