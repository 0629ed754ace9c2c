# Two-level probit of single binary items: lme4::glmer with 25 quadrature nodes. Writes data.csv,
# reference.json and session.txt. Run in this folder: Rscript generate.R
suppressPackageStartupMessages({library(lme4); library(jsonlite)})
options(digits = 15)
set.seed(20263)
size <- sample(5:40, 60, replace = TRUE)                     # clusters of unequal size
school <- rep(seq_along(size), size)
n <- length(school)
answer <- function(psi, cut) as.integer(rnorm(length(size), 0, sqrt(psi))[school] + rnorm(n) > cut)
d <- data.frame(school = school, weak = answer(.05, .3), middle = answer(.25, -.4),
                strong = answer(1, .1), rare = answer(.3, 1.8))
graded <- rnorm(length(size), 0, .5)[school] + rnorm(n)
d$graded <- findInterval(graded, c(-1.1, -.3, .4, 1.2)) + 1L
d$gap <- replace(d$middle, sample(n, 150), NA)
d <- d[sample(n), ]                                          # clusters are not contiguous
write.csv(d, "data.csv", row.names = FALSE, na = "")
d <- read.csv("data.csv")
out <- list()
for (item in c("weak", "middle", "strong", "rare", "gap")) {
  m <- glmer(as.formula(paste(item, "~ 1 + (1 | school)")), d, family = binomial("probit"), nAGQ = 25,
             control = glmerControl(tolPwrss = 1e-12, optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9)))
  out[[length(out) + 1]] <- list(id = paste0("two_level_ordinal/probit.", item), "function" = "lme4::glmer",
    package = "lme4", version = as.character(packageVersion("lme4")),
    call = "glmer(y ~ 1 + (1 | school), d, family = binomial('probit'), nAGQ = 25)", args = list(item = item),
    values = list(intercept = unname(fixef(m)), variance = as.data.frame(VarCorr(m))$vcov,
                  se_intercept = sqrt(vcov(m)[1, 1])))
}
writeLines(toJSON(out, digits = 15, auto_unbox = TRUE, na = "null"), "reference.json")
writeLines(capture.output(sessionInfo()), "session.txt")
