# The restriction test of equal loadings with missing answers, by hand: casewise scores and the
# observed information of the larger model, the restriction as a matrix of its parameters.
# lavaan 0.6-14; answers are taken out by a rule that the Python test repeats.
suppressMessages(library(lavaan))
d <- HolzingerSwineford1939
for (i in 1:9) d[(7 * (seq_len(nrow(d)) - 1) + 11 * i) %% 13 == 0, paste0("x", i)] <- NA
m <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
by_hand <- function(model, data) {
  q1 <- cfa(model, data, missing = "fiml", estimator = "MLR", group = "school")
  q0 <- cfa(model, data, missing = "fiml", estimator = "MLR", group = "school", group.equal = "loadings")
  n <- nobs(q1)
  J <- crossprod(lavScores(q1)) / n
  P <- lavInspect(q1, "information.observed")
  k <- ncol(P); rows <- grep("=~", colnames(P)); g2 <- grepl("g2", colnames(P)[rows])
  A <- matrix(0, sum(g2), k)
  A[cbind(seq_len(sum(g2)), rows[!g2])] <- 1; A[cbind(seq_len(sum(g2)), rows[g2])] <- -1
  inv <- solve(P)
  c <- sum(diag(inv %*% t(A) %*% solve(A %*% inv %*% t(A)) %*% A %*% inv %*% J)) / nrow(A)
  unname((fitMeasures(q0, "chisq") - fitMeasures(q1, "chisq")) / c)
}
cat(format(by_hand(m, d), digits = 10), "\n")
args <- commandArgs(TRUE)
if (length(args)) cat(format(by_hand(m, read.csv(args[1])), digits = 10), "\n")
