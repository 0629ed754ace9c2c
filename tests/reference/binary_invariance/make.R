# Invariance of five binary items after Wu & Estabrook (2016): configural, then thresholds, loadings
# and intercepts jointly, then strict. lavaan 0.6-14, semTools 0.5-6. Argument: the answers as CSV,
# which tests/factor/test_invariance_binary.py makes.
suppressMessages({library(lavaan); library(semTools)})
d <- read.csv(commandArgs(TRUE)[1])
u <- paste0("u", 1:5)
m <- paste("f =~", paste(u, collapse = " + "))
series <- list(character(0), c("thresholds", "loadings", "intercepts"),
               c("thresholds", "loadings", "intercepts", "residuals"))
fits <- lapply(series, function(equal) {
  text <- as.character(measEq.syntax(configural.model = m, data = d, ordered = u, group = "g",
    parameterization = "theta", ID.fac = "std.lv", ID.cat = "Wu.Estabrook.2016", group.equal = equal))
  cfa(text, d, ordered = u, group = "g", parameterization = "theta")
})
for (f in fits) print(fitMeasures(f, c("chisq.scaled", "df")), 10)
print(lavTestLRT(fits[[1]], fits[[2]], fits[[3]], method = "satorra.2000"), digits = 8)
