# References for group statistics on data that the shared sets do not hold.
# Run from this folder: Rscript make.R
#   bdf: nlme::bdf (Snijders & Bosker), 2,287 pupils in 131 schools: mixed models with a proper random slope
#   sleep: lme4::sleepstudy, 18 subjects x 10 days: profile intervals
#   lq2002: multilevel::lq2002, soldiers in companies: agreement of 11 leadership items (1 to 5)
suppressPackageStartupMessages({library(lme4); library(nlme); library(multilevel); library(jsonlite)})
bdf <- as.data.frame(nlme::bdf)[c("schoolNR", "langPOST", "IQ.verb", "ses", "sex")]
names(bdf) <- c("school", "language", "iq", "ses", "sex"); bdf$school <- as.integer(as.character(bdf$school)); bdf$sex <- as.integer(as.character(bdf$sex))
write.csv(bdf, "bdf.csv", row.names = FALSE)
bdf <- read.csv("bdf.csv"); bdf$iq_mean <- ave(bdf$iq, bdf$school); bdf$iq_within <- bdf$iq - bdf$iq_mean
ctl <- lmerControl(optimizer = "bobyqa", optCtrl = list(maxfun = 2e5, rhoend = 1e-9))
values <- function(m) { v <- as.data.frame(VarCorr(m)); r <- ranef(m, condVar = TRUE)[[1]]; pv <- attr(r, "postVar"); if (is.list(pv)) pv <- pv[[1]]
  list(terms = names(fixef(m)), est = unname(fixef(m)), se = unname(sqrt(diag(as.matrix(vcov(m))))), vcov = v$vcov, loglik = as.numeric(logLik(m)), aic = AIC(m), bic = BIC(m),
       ranef = unname(as.matrix(r))[1:10, , drop = FALSE], ranef_var = sapply(1:10, function(i) pv[1, 1, i]), group = as.integer(rownames(r))[1:10], singular = isSingular(m)) }
fits <- list(
  slope = lmer(language ~ iq_within + iq_mean + ses + (1 + iq_within | school), bdf, control = ctl),
  slope_ml = lmer(language ~ iq_within + iq_mean + ses + (1 + iq_within | school), bdf, REML = FALSE, control = ctl),
  uncorrelated = lmer(language ~ iq_within + iq_mean + (1 + iq_within || school), bdf, control = ctl),
  two_slopes = lmer(language ~ iq_within + ses + (1 + iq_within + ses | school), bdf, control = ctl),
  interaction = lmer(language ~ iq_within * sex + iq_mean + (1 | school), bdf, control = ctl))
cmp <- as.data.frame(anova(lmer(language ~ 1 + (1 | school), bdf), lmer(language ~ iq_within + (1 | school), bdf), fits$slope_ml))
sleep <- lme4::sleepstudy; names(sleep) <- c("reaction", "days", "subject"); sleep$subject <- as.integer(as.character(sleep$subject)); write.csv(sleep, "sleep.csv", row.names = FALSE); sleep <- read.csv("sleep.csv")
ci <- confint(lmer(reaction ~ days + (1 + days | subject), sleep, control = ctl), method = "profile")
data(lq2002, package = "multilevel"); lq <- lq2002; lq <- lq[lq$COMPID %in% sort(unique(lq$COMPID))[1:25], c("COMPID", grep("^LEAD[0-9]", names(lq), value = TRUE))]
set.seed(7); x <- as.matrix(lq[-1]); x[sample(length(x), 60)] <- NA; lq[-1] <- x
write.csv(lq, "lq2002.csv", row.names = FALSE, na = ""); lq <- read.csv("lq2002.csv"); items <- lq[-1]
agree <- list(n = rwg.j(items, lq$COMPID, 2)$gsize, group = rwg.j(items, lq$COMPID, 2)$grpid)
for (v in c(2, 1.34, 0.9, 0.44, 1.32)) { agree[[paste0("rwg_j_", v)]] <- rwg.j(items, lq$COMPID, v)$rwg.j; agree[[paste0("star_", v)]] <- rwg.j.lindell(items, lq$COMPID, v)[[2]] }
agree$ad_mean <- ad.m(items, lq$COMPID)$AD.M; agree$ad_median <- ad.m(items, lq$COMPID, type = "median")$AD.M; agree$awg <- awg(items, lq$COMPID, c(1, 5))$a.wg
set.seed(11); sim <- rwg.j.sim(10, 5, 5, nrep = 20000); adsim <- ad.m.sim(10, 5, 5, nrep = 20000)
cors <- matrix(.5, 5, 5); diag(cors) <- 1; simc <- rwg.j.sim(10, 5, 5, itemcors = cors, nrep = 5000)
scores <- rowMeans(items, na.rm = TRUE); a <- aov(scores ~ as.factor(lq$COMPID)); null <- lme(scores ~ 1, random = ~ 1 | COMPID, data = data.frame(scores, COMPID = lq$COMPID)); gm <- gmeanrel(null)
out <- list(session = R.version.string, packages = sapply(c("lme4", "nlme", "multilevel"), function(p) as.character(packageVersion(p))), fits = lapply(fits, values),
  compare = list(npar = cmp$npar, aic = cmp$AIC, chisq = cmp$Chisq, df = cmp$Df, p = cmp[["Pr(>Chisq)"]]),
  profile = list(rows = rownames(ci), low = ci[, 1], high = ci[, 2]), agreement = agree,
  critical = list(rwg_j = sim$rwg.95, ad_mean = adsim$ad.m.05, rwg_j_correlated = simc$rwg.95),
  school = list(icc1 = ICC1(a), icc2 = ICC2(a), reml_icc = gm$ICC, reliability = gm$MeanRel, shrunken = coef(null)[[1]]))
write_json(out, "reference.json", digits = 15, auto_unbox = TRUE, na = "null", pretty = FALSE)
