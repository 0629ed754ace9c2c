# Percentile, basic and bias-corrected limits of given replicates: package boot, which lavaan's
# parameterEstimates(boot.ci.type = ) follows.
library(boot)
t <- sin(seq_len(199) * 12.9898) * 3 + cos(seq_len(199) * 0.7)^2
t0 <- 0.4
b <- list(t0 = t0, t = matrix(t), R = length(t), call = quote(boot()), sim = "ordinary")
class(b) <- "boot"
for (conf in c(.95, .6)) {
  ci <- boot.ci(b, conf = conf, type = c("perc", "basic"), t0 = t0, t = t)
  z <- qnorm(c((1 - conf) / 2, (1 + conf) / 2)); z0 <- qnorm(mean(t < t0))
  bc <- boot:::norm.inter(t, pnorm(2 * z0 + z))[, 2]
  cat(conf, format(c(ci$percent[4:5], ci$basic[4:5], bc), digits = 10), "\n")
}
