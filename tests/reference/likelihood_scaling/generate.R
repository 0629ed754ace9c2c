# Correction factors of the two log-likelihoods (h0: the model's, h1: the unrestricted one's) of robust
# single-level fits; data of ../hs1939, of which the third case hides every 7th row of x1 and every 5th of x8.
# Rscript generate.R   (from this folder; lavaan; writes reference.json)
suppressMessages(library(lavaan)); options(digits = 15)
data <- read.csv("../hs1939/data.csv")
gaps <- data; gaps$x1[seq(1, nrow(data), 7)] <- NA; gaps$x8[seq(2, nrow(data), 5)] <- NA
model <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
equal <- "visual =~ x1 + a*x2 + a*x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
fits <- list(
  complete = cfa(model, data, estimator = "MLR"),
  gaps = cfa(model, gaps, estimator = "MLR", missing = "fiml"),
  equal_loadings = cfa(equal, data, estimator = "MLR"),
  metric_by_school = cfa(model, data, estimator = "MLR", group = "school", group.equal = "loadings"))
wanted <- c("npar", "logl", "unrestricted.logl", "scaling.factor.h0", "scaling.factor.h1", "chisq.scaling.factor")
values <- lapply(fits, function(f) as.list(fitMeasures(f, wanted)))
jsonlite::write_json(list(package = "lavaan", version = as.character(packageVersion("lavaan")), fits = values),
                     "reference.json", auto_unbox = TRUE, digits = 15, pretty = TRUE)
writeLines(capture.output(sessionInfo()), "session.txt")
