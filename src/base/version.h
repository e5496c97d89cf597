/* version.h - which sonograde this is; written into every file it leaves behind.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_VERSION_H
#define SG_BASE_VERSION_H

/* Version of the layout of the CSV, JSON and run files we write; raised when a reader must change.
 */
enum { SG_SCHEMA_VERSION = 1 };

#define SG_RESEARCH_USE "Research use only. Not a medical device."

const char *sg_version(void);           /* "0.1.0" */
const char *sg_turbojpeg_version(void); /* built against; the library does not tell */
const char *sg_build_id(void);          /* commit, with -dirty where the tree was not clean */

#endif
