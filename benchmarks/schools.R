suppressPackageStartupMessages({library(multilevel); library(lme4)})
d <- received("answers"); x <- items(d); g <- d$school
serve(list(
  "rwg(j), 15,000 schools x 20 x 12" = function() rwg.j(x, g, ranvar = 35 / 12),
  "AD about the median, 15,000 schools x 20 x 12" = function() ad.m(x, g, type = "median"),
  "ICC(1), ICC(2) of 12 items, 300,000 in 15,000 schools" = function() mult.icc(x, g),
  "rwg(j) null simulation, 1,000 groups of 20 x 12" = function() rwg.j.sim(20, 12, 6, nrep = 1000),
  "random intercept REML, 300,000 in 15,000 schools" = function() lmer(cte ~ ses + (1 | school), d),
  "random slope REML, 300,000 in 15,000 schools" = function() lmer(y ~ w + (1 + w | school), d),
  "random slope REML, the same, slopes alike" = function() lmer(alike ~ w + (1 + w | school), d)
))
