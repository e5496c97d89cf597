/* reading_files.h - the reading page's style sheet and script, which are files of their own
 * (reading.css, reading.js) and become part of the program. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_READING_FILES_H
#define SG_REPORT_READING_FILES_H

extern const char sg_reading_css[] __attribute__((visibility("hidden")));
extern const char sg_reading_js[] __attribute__((visibility("hidden")));

#endif
