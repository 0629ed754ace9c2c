# Parameter tables of lavaan 0.6-14 for models.json; run in this folder: Rscript make.R
suppressMessages({library(lavaan); library(jsonlite)})
or <- function(x, y) if (is.null(x)) y else x
models <- fromJSON("models.json", simplifyVector = FALSE)
out <- lapply(models, function(m) {
  growth <- identical(m$model_type, "growth")
  marker <- !isTRUE(m$std_lv) && !isTRUE(m$effects)
  args <- list(
    model = m$model, meanstructure = isTRUE(m$meanstructure) || growth,
    int.ov.free = !growth, int.lv.free = growth, auto.fix.first = marker, auto.fix.single = TRUE,
    auto.var = TRUE, auto.cov.lv.x = TRUE, auto.cov.y = TRUE, auto.th = TRUE, auto.delta = TRUE,
    auto.efa = TRUE, std.lv = isTRUE(m$std_lv), orthogonal = isTRUE(m$orthogonal),
    fixed.x = or(m$fixed_x, TRUE), conditional.x = isTRUE(m$conditional_x),
    parameterization = or(m$parameterization, "delta"), ngroups = or(m$n_groups, 1L),
    group.equal = unlist(or(m$group_equal, character(0))),
    group.partial = unlist(or(m$group_partial, character(0))),
    effect.coding = if (isTRUE(m$effects)) c("loadings", "intercepts") else "", warn = FALSE)
  if (!is.null(m$nth)) args$nthresholds <- unlist(m$nth)
  table <- suppressWarnings(tryCatch(do.call(lavaanify, args), error = function(e) {
    message(m$id, ": ", conditionMessage(e)); NULL }))
  if (is.null(table)) return(list(id = m$id))
  keep <- intersect(c("lhs", "op", "rhs", "user", "group", "level", "free", "ustart", "exo", "label",
                      "plabel", "efa", "lower", "upper"), names(table))
  names <- lapply(c(ov = "ov", ov_x = "ov.x", lv = "lv", ov_ordinal = "ov.ord"), function(type)
    lapply(seq_len(max(table$block)), function(b) as.list(lavNames(table, type, block = b))))
  list(id = m$id, table = as.list(table[keep]), names = names)
})
writeLines(toJSON(out, auto_unbox = TRUE, na = "null", digits = NA), "reference.json")
