/* audit_page.h - from an audit to audit.html: fills the plain struct of report/audit.h. Inside cli
 * only. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_AUDIT_PAGE_H
#define SG_CLI_AUDIT_PAGE_H

#include "data/audit.h"

/* Pictures are read again from their files; one that has gone is shown as missing. */
SG_MUST_CHECK sg_status sg_audit_page_make(
        const sg_audit *audit, const char *path, const sg_log *log, sg_error *err);

#endif
