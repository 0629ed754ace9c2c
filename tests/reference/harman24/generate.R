# Reference values for exploratory factor analysis of Harman's 24 psychological tests (datasets::Harman74.cor, n = 145).
# Rscript generate.R   (from this folder; psych, GPArotation; writes data.csv and reference.json)
suppressMessages({library(psych); library(GPArotation)}); options(digits = 15)
R <- Harman74.cor$cov; n <- 145; k <- 4; set.seed(1)
write.csv(data.frame(variable = colnames(R), R, check.names = FALSE), "data.csv", row.names = FALSE)
out <- list()
m <- function(x) { x <- unclass(as.matrix(x)); list(rows = nrow(x), cols = ncol(x), data = as.vector(t(x))) }
ref <- function(id, f, pkg, call, values, args = list()) out[[length(out) + 1]] <<- list(id = paste0("harman24/", id), `function` = f, package = pkg, version = as.character(packageVersion(pkg)), call = call, args = args, values = values)
fit <- factanal(covmat = R, factors = k, n.obs = n, rotation = "none", control = list(opt = list(factr = 1, maxit = 5000)))
A <- unclass(fit$loadings); class(A) <- NULL
ref("ml", "stats::factanal", "stats", "factanal(covmat = R, factors = 4, n.obs = 145, rotation = 'none', control = list(opt = list(factr = 1)))", list(loadings = m(A), uniquenesses = unname(fit$uniquenesses), objective = unname(fit$criteria["objective"]), statistic = unname(fit$STATISTIC), p = unname(fit$PVAL)))
st <- factor.stats(R, A, n.obs = n, alpha = .1)
ref("ml.stats", "psych::factor.stats", "psych", "factor.stats(R, A, n.obs = 145, alpha = .1)", list(chi = st$STATISTIC, dof = st$dof, p = st$PVAL, tli = st$TLI, rmsea = unname(st$RMSEA[1:3]), bic = st$BIC, rms = st$rms, complexity = unname(st$complexity), null = st$null.chisq))
best <- function(f, ...) { b <- NULL; for (i in 1:20) { T <- if (i == 1) diag(k) else Random.Start(k); r <- try(suppressWarnings(f(A, Tmat = T, eps = 1e-7, maxit = 2000, ...)), silent = TRUE); if (!inherits(r, "try-error")) { v <- r$Table[nrow(r$Table), 2]; if (is.null(b) || v < b$v - 1e-10) b <- list(v = v, r = r, s = r$Table[nrow(r$Table), 3]) } }; b }
rot <- list(oblimin = list(oblimin), oblimin_minus = list(oblimin, gam = -1), geomin = list(geominQ), geomin_001 = list(geominQ, delta = .001), geomin_t = list(geominT), bentler = list(bentlerQ), bentler_t = list(bentlerT), infomax = list(infomaxQ), infomax_t = list(infomaxT), crawford_ferguson = list(cfQ, kappa = 1/24), crawford_ferguson_t = list(cfT, kappa = .25), entropy = list(entropy), varimax = list(Varimax), quartimax = list(quartimax), equamax = list(cfT, kappa = k / 48), bifactor = list(bifactorT), oblimin_kaiser = list(oblimin, normalize = TRUE), varimax_kaiser = list(Varimax, normalize = TRUE))
for (nm in names(rot)) { b <- do.call(best, rot[[nm]]); ref(paste0("rotation.", nm), "GPArotation", "GPArotation", paste0(nm, ": lowest of 20 starts, eps 1e-7"), list(loadings = m(b$r$loadings), Phi = m(if (is.null(b$r$Phi)) diag(k) else b$r$Phi), criterion = b$v, log10_gradient = b$s)) }
o <- oblimin(A, eps = 1e-10, maxit = 20000); L <- o$loadings; P <- o$Phi
ref("oblimin", "GPArotation::oblimin", "GPArotation", "oblimin(A, eps = 1e-10)", list(loadings = m(L), Phi = m(P)))
for (me in c("Thurstone", "Bartlett", "tenBerge", "Anderson", "Harman")) { w <- factor.scores(R, L, P, method = me); ref(paste0("scores.", me), "psych::factor.scores", "psych", paste0("factor.scores(R, L, Phi, method = '", me, "')"), list(weights = m(w$weights), r_scores = m(w$r.scores))) }
s <- schmid(L, Phi = P, fm = "minres"); ref("schmid", "psych::schmid", "psych", "schmid(L, Phi = Phi, fm = 'minres')", list(sl = m(s$sl[, 1:(k + 1)]), g = as.vector(s$gloading)))
o2 <- oblimin(A[, 1:2], eps = 1e-10); s2 <- suppressMessages(schmid(o2$loadings, Phi = o2$Phi)); ref("schmid2", "psych::schmid", "psych", "two factors: schmid(oblimin(A[, 1:2])$loadings, Phi)", list(loadings = m(o2$loadings), Phi = m(o2$Phi), sl = m(s2$sl[, 1:3])))
w <- A / sqrt(rowSums(A^2)); x <- unclass(varimax(w, eps = 1e-14)$loadings); U <- lm.fit(x, x * abs(x)^3)$coefficients; U <- U %*% diag(sqrt(diag(solve(t(U) %*% U)))); T <- varimax(w, eps = 1e-14)$rotmat %*% U; ui <- solve(T)
ref("promax", "psych::kaiser", "psych", "kaiser(A, rotate = 'Promax', m = 4) with varimax run to eps = 1e-14", list(loadings = m((x %*% U) * sqrt(rowSums(A^2))), Phi = m(ui %*% t(ui))))
v <- vss(R, n = 8, n.obs = n, plot = FALSE); ref("map", "psych::vss", "psych", "vss(R, 8, n.obs = 145)$map", as.vector(v$map))
ref("kmo", "psych::KMO", "psych", "KMO(R)", list(MSA = KMO(R)$MSA, MSAi = unname(KMO(R)$MSAi))); b <- cortest.bartlett(R, n = n); ref("bartlett", "psych::cortest.bartlett", "psych", "cortest.bartlett(R, n = 145)", list(chisq = b$chisq, p = b$p.value, df = b$df))
set.seed(7); sink("/dev/null"); fp <- fa.parallel(R, n.obs = n, fa = "both", fm = "minres", n.iter = 500, plot = FALSE); sink()
ref("parallel", "psych::fa.parallel", "psych", "set.seed(7); fa.parallel(R, n.obs = 145, fa = 'both', n.iter = 500)", list(pc = fp$pc.values, fa = fp$fa.values, pc_mean = unname(fp$pc.sim), fa_mean = unname(fp$fa.sim), pc_p95 = unname(apply(fp$values[, 1:24], 2, quantile, .95)), fa_p95 = unname(apply(fp$values[, 25:48], 2, quantile, .95)), nfact = fp$nfact, ncomp = fp$ncomp))
jsonlite::write_json(out, "reference.json", auto_unbox = TRUE, digits = 15, na = "null", pretty = FALSE)
writeLines(capture.output(sessionInfo()), "session.txt")
