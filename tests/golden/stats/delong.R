#!/usr/bin/env Rscript
# Makes delong_rows.csv (inputs) and delong.csv (areas, variances, intervals and paired tests) with
# pROC 1.18.0 (Debian 12, r-cran-proc). Run from this folder.
suppressMessages(library(pROC))
set.seed(20251124)
exact <- function(x) ifelse(is.nan(x) | is.na(x), "", sprintf("%.17g", x))

make_case <- function(n, share, effect, decimals) {
  positive <- as.integer(runif(n) < share)
  positive[1:4] <- c(0, 1, 0, 1)
  common <- rnorm(n)
  first <- round(common + rnorm(n) + effect * positive, decimals)
  second <- round(common + 1.4 * rnorm(n) + 0.8 * effect * positive, decimals)
  data.frame(positive, first, second)
}
cases <- list(
  plain = make_case(60, 0.4, 1.5, 6),
  ties = make_case(80, 0.3, 1.2, 0),
  rare = make_case(50, 0.08, 1, 2),
  worse = make_case(40, 0.5, -0.7, 1),
  perfect = data.frame(positive = c(0, 0, 0, 1, 1, 1), first = 1:6, second = c(1, 4, 2, 3, 6, 5)))

rows <- NULL
figures <- NULL
for (name in names(cases)) {
  d <- cases[[name]]
  rows <- rbind(rows, data.frame(case = name, positive = d$positive, first = exact(d$first),
                                 second = exact(d$second)))
  a <- roc(d$positive, d$first, levels = c(0, 1), direction = "<", quiet = TRUE)
  b <- roc(d$positive, d$second, levels = c(0, 1), direction = "<", quiet = TRUE)
  test <- roc.test(a, b, method = "delong", paired = TRUE)
  ci <- suppressWarnings(ci.auc(a, method = "delong"))
  wide <- suppressWarnings(ci.auc(b, method = "delong", conf.level = 0.9))
  value <- c(first = as.numeric(auc(a)), second = as.numeric(auc(b)), variance = var(a),
             covariance = cov(a, b), low = ci[1], high = ci[3], second_low_90 = wide[1],
             second_high_90 = wide[3], z = unname(test$statistic), p = test$p.value)
  figures <- rbind(figures, data.frame(case = name, figure = names(value), value = exact(value)))
}
write.csv(rows, "delong_rows.csv", row.names = FALSE, quote = FALSE)
write.csv(figures, "delong.csv", row.names = FALSE, quote = FALSE)
