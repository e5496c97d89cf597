/* download.c - see download.h. One transfer is one request; a connection that breaks is taken up
 * again a few times. SPDX-License-Identifier: Apache-2.0 */
#include "cli/download.h"
#include "base/file.h"
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ATTEMPTS = 3, REDIRECTS = 8, CONNECT_S = 20, TAG_MAX = 256 };

typedef struct transfer {
    const sg_download *d;
    char *part, *tag_path;
    int fd;
    int64_t have;          /* bytes in the part */
    int64_t asked;         /* where this request began */
    char tag[TAG_MAX];     /* validator of the part, "" = none */
    char new_tag[TAG_MAX]; /* of the answer under way */
    int64_t range_start;   /* of Content-Range, -1 = none */
    int write_errno;       /* why writing failed, 0 = it did not */
    double last_byte_s;    /* when it came; monotonic clock */
    bool settled, too_large, misplaced, stalled;
    CURL *curl;
} transfer;

sg_status sg_check_sha256(const char *path, const char *sha256, sg_error *err) {
    char found[SG_SHA256_HEX];
    if (!sha256) return SG_OK;
    sg_status st = sg_sha256_file(found, path, err);
    if (st || strncmp(found, sha256, strlen(sha256)) == 0) return st;
    return sg_fail(err, SG_ERR_FORMAT,
            "%s is not the file it should be: its SHA-256 begins with %.16s, expected was %.16s",
            path, found, sha256);
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- the part ---- */

static void save_tag(const transfer *t) {
    /* Without one, going on is a guess that the digest at the end settles. */
    if (!*t->tag || sg_file_write(t->tag_path, t->tag, strlen(t->tag), NULL)) unlink(t->tag_path);
}

static void load_tag(transfer *t) {
    char *text;
    size_t size;
    if (sg_file_read(&text, &size, t->tag_path, TAG_MAX - 1, NULL)) return;
    if (strlen(text) == size) memcpy(t->tag, text, size + 1);
    free(text);
}

static sg_status open_part(transfer *t, sg_error *err) {
    const sg_download *d = t->d;
    t->part = sg_strdupf("%s.part", d->path);
    t->tag_path = sg_strdupf("%s.part.tag", d->path);
    if (!t->part || !t->tag_path) return sg_fail(err, SG_ERR_MEMORY, "out of memory");
    t->fd = open(t->part, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (t->fd < 0) return sg_fail(err, SG_ERR_IO, "cannot create %s: %s", t->part, strerror(errno));
    if (flock(t->fd, LOCK_EX | LOCK_NB))
        return sg_fail(err, SG_ERR_INPUT, "another process is fetching %s; wait for it", d->name);
    struct stat info;
    if (fstat(t->fd, &info))
        return sg_fail(err, SG_ERR_IO, "cannot examine %s: %s", t->part, strerror(errno));
    t->have = S_ISREG(info.st_mode) ? info.st_size : 0;
    if (t->have) load_tag(t);
    return SG_OK;
}

static bool empty_part(transfer *t) {
    bool ok = t->have == 0 || ftruncate(t->fd, 0) == 0;
    t->have = 0;
    return ok;
}

/* ---- the answer ---- */

/* "Name: value" into out when the line is that header; a value too long for it is left out. */
static void take_header(char *out, size_t room, const char *line, size_t n, const char *name) {
    size_t k = strlen(name);
    if (n <= k || strncasecmp(line, name, k) != 0) return;
    while (k < n && line[k] == ' ') k++;
    while (n > k && (line[n - 1] == '\r' || line[n - 1] == '\n' || line[n - 1] == ' ')) n--;
    if (n - k >= room) return;
    memcpy(out, line + k, n - k);
    out[n - k] = '\0';
}

static size_t on_header(char *line, size_t one, size_t n, void *user) {
    transfer *t = user;
    char range[64] = "", modified[TAG_MAX] = "";
    if (n > 5 && strncmp(line, "HTTP/", 5) == 0) { /* also after each redirect */
        t->new_tag[0] = '\0';
        t->range_start = -1;
    }
    take_header(t->new_tag, sizeof t->new_tag, line, n, "etag:");
    if (strncmp(t->new_tag, "W/", 2) == 0) t->new_tag[0] = '\0'; /* weak: no good for ranges */
    take_header(modified, sizeof modified, line, n, "last-modified:");
    if (*modified && !*t->new_tag) memcpy(t->new_tag, modified, sizeof modified);
    take_header(range, sizeof range, line, n, "content-range:");
    long long start;
    if (strncasecmp(range, "bytes ", 6) == 0) {
        range[6 + strspn(range + 6, "0123456789")] = '\0';
        if (sg_parse_int64(&start, range + 6)) t->range_start = start;
    }
    return one * n;
}

/* The first bytes of the answer decide where they belong. */
static bool settle(transfer *t) {
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    t->settled = true;
    if (status == 206 && t->range_start == t->have) return true;
    if (status == 206) {
        t->misplaced = true;
        return false;
    }
    if (t->have > 0)
        sg_log_line(t->d->log, SG_LOG_INFO,
                "the server sends %s from its beginning; what was there is dropped", t->d->name);
    t->asked = 0;
    memcpy(t->tag, t->new_tag, sizeof t->tag);
    save_tag(t);
    if (empty_part(t) && lseek(t->fd, 0, SEEK_SET) >= 0) return true;
    t->write_errno = errno;
    return false;
}

static size_t on_bytes(char *bytes, size_t one, size_t n, void *user) {
    transfer *t = user;
    n *= one;
    t->last_byte_s = now_s();
    if (!t->settled && !settle(t)) return 0;
    if (t->have + (int64_t)n > t->d->size_max) {
        t->too_large = true;
        return 0;
    }
    for (size_t done = 0; done < n;) {
        ssize_t put = write(t->fd, bytes + done, n - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            t->write_errno = errno;
            return 0;
        }
        done += (size_t)put;
        t->have += put;
    }
    return n;
}

static int on_progress(
        void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up) {
    transfer *t = user;
    (void)up_total;
    (void)up;
    if (t->settled)
        sg_log_progress(t->d->log, t->d->name, (double)(t->asked + now) / 1e6,
                total ? (double)(t->asked + total) / 1e6 : 0);
    /* libcurl's own low speed limit averages over several seconds */
    t->stalled = now_s() - t->last_byte_s > t->d->stall_s;
    return t->stalled || (t->d->stop && *t->d->stop);
}

/* ---- one request ---- */

static struct curl_slist *range_headers(const transfer *t) {
    if (t->have == 0) return NULL;
    char line[TAG_MAX + 32];
    (void)snprintf(line, sizeof line, "Range: bytes=%lld-", (long long)t->have);
    struct curl_slist *headers = curl_slist_append(NULL, line);
    if (*t->tag) {
        (void)snprintf(line, sizeof line, "If-Range: %s", t->tag);
        struct curl_slist *longer = curl_slist_append(headers, line);
        if (longer) headers = longer;
    }
    return headers;
}

static CURLcode request(transfer *t) {
    CURL *c = t->curl;
    curl_easy_reset(c);
    struct curl_slist *headers = range_headers(t);
    bool secure = strncmp(t->d->url, "https:", 6) == 0;
    t->settled = t->too_large = t->misplaced = t->stalled = false;
    t->last_byte_s = now_s();
    t->write_errno = 0;
    t->asked = t->have;
    if (t->have > 0 && lseek(t->fd, t->have, SEEK_SET) < 0) return CURLE_WRITE_ERROR;
    curl_easy_setopt(c, CURLOPT_URL, t->d->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "sonograde");
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    CURLcode code = curl_easy_perform(c);
    curl_slist_free_all(headers);
    return code;
}

/* ---- what went wrong, in words ---- */

static sg_status tell_status(const sg_download *d, long status, sg_error *err) {
    if (status == 404 || status == 410)
        return sg_fail(err, SG_ERR_MISSING,
                "%s is not at %s (answer %ld); it was moved or the mirror lacks it: try --mirror, "
                "or --from FILE with a copy of your own",
                d->name, d->url, status);
    return sg_fail(err, SG_ERR_IO, "%s: the server answers %ld at %s; try again later, or --mirror",
            d->name, status, d->url);
}

/* libcurl has one code for a redirect to where it may not go and for an answer that is no HTTP. */
static sg_status tell_no_http(const sg_download *d, long status, sg_error *err) {
    if (status >= 300 && status < 400)
        return sg_fail(err, SG_ERR_IO,
                "%s: the server at %s sends us on to an address that is not fetched from (not "
                "HTTP, or HTTPS left); try --mirror, or --from FILE",
                d->name, d->url);
    return sg_fail(err, SG_ERR_IO,
            "%s: what answers at %s does not speak HTTP; look at the address and at HTTPS_PROXY, "
            "or try --mirror, or --from FILE",
            d->name, d->url);
}

static sg_status tell(const transfer *t, CURLcode code, sg_error *err) {
    const sg_download *d = t->d;
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT: /* only connecting has a time limit of libcurl's */
        return sg_fail(err, SG_ERR_IO,
                "no network, or no such server: cannot reach %s (%s); on a machine without a "
                "network, fetch the file elsewhere and give it with --from FILE",
                d->url, curl_easy_strerror(code));
    case CURLE_TOO_MANY_REDIRECTS:
        return sg_fail(err, SG_ERR_IO,
                "%s: the server sends us in circles (over %d redirects from %s); try --mirror",
                d->name, REDIRECTS, d->url);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return tell_no_http(d, status, err);
    case CURLE_HTTP_RETURNED_ERROR:
        return tell_status(d, status, err);
    case CURLE_ABORTED_BY_CALLBACK:
        if (t->stalled)
            return sg_fail(err, SG_ERR_IO,
                    "%s: no byte for %d s after %lld; the same command goes on from here", d->name,
                    d->stall_s, (long long)t->have);
        return sg_fail(err, SG_ERR_INTERRUPTED, "stopped; the same command goes on from here");
    case CURLE_WRITE_ERROR:
        if (t->too_large)
            return sg_fail(err, SG_ERR_FORMAT,
                    "%s: the server sends more than the %lld bytes that the file has; what came "
                    "was "
                    "deleted: try --mirror, or --from FILE",
                    d->name, (long long)d->size_max);
        return sg_fail(err, SG_ERR_IO,
                "cannot write %s: %s; free some space or set XDG_CACHE_HOME to another disk, and "
                "the same command goes on from here",
                t->part, strerror(t->write_errno ? t->write_errno : EIO));
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
        return sg_fail(err, SG_ERR_IO,
                "%s: the connection ended after %lld bytes, %d times; the same command goes on "
                "from here",
                d->name, (long long)t->have, ATTEMPTS);
    default:
        return sg_fail(err, SG_ERR_IO, "%s: %s at %s; try again, or --mirror, or --from FILE",
                d->name, curl_easy_strerror(code), d->url);
    }
}

static bool is_broken_off(CURLcode code) {
    return code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;
}

/* A part that the server cannot go on from is dropped, once; a connection that breaks is taken up
 * again. */
static sg_status transfer_all(transfer *t, sg_error *err) {
    bool anew = false;
    CURLcode code = CURLE_OK;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        code = request(t);
        long status = 0;
        curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
        bool beyond = code == CURLE_HTTP_RETURNED_ERROR && status == 416;
        bool unfit = beyond || t->misplaced;
        /* nothing may be left to send because all is there */
        if (beyond && t->d->sha256 && !sg_check_sha256(t->part, t->d->sha256, NULL)) return SG_OK;
        if (unfit && !anew) {
            anew = true;
            if (!empty_part(t)) return sg_fail(err, SG_ERR_IO, "cannot empty %s", t->part);
        } else if (!is_broken_off(code)) {
            break;
        }
    }
    if (t->misplaced)
        return sg_fail(
                err, SG_ERR_IO, "%s: the server sends another part than was asked for", t->d->name);
    return code == CURLE_OK ? SG_OK : tell(t, code, err);
}

/* ---- all of it ---- */

static void drop_part(const transfer *t) {
    unlink(t->part);
    unlink(t->tag_path);
}

static sg_status finish(transfer *t, sg_error *err) {
    const sg_download *d = t->d;
    if (fsync(t->fd))
        return sg_fail(err, SG_ERR_IO, "cannot write %s: %s", t->part, strerror(errno));
    sg_error why = SG_ERROR_INIT;
    sg_status st = sg_check_sha256(t->part, d->sha256, &why);
    if (st == SG_ERR_FORMAT) {
        drop_part(t);
        return sg_fail(err, SG_ERR_FORMAT,
                "what came from %s is not %s (%s); it was deleted: a mirror or proxy changed it, "
                "or the file was replaced",
                d->url, d->name, why.message);
    }
    if (st) return sg_fail(err, st, "%s", why.message);
    if (rename(t->part, d->path))
        return sg_fail(err, SG_ERR_IO, "cannot name %s: %s", d->path, strerror(errno));
    unlink(t->tag_path);
    return SG_OK;
}

sg_status sg_download_file(const sg_download *download, sg_error *err) {
    transfer t = {.d = download, .fd = -1};
    sg_status st = open_part(&t, err);
    if (!st && (curl_global_init(CURL_GLOBAL_DEFAULT) || !(t.curl = curl_easy_init())))
        st = sg_fail(err, SG_ERR_INTERNAL, "libcurl does not start");
    if (!st) st = transfer_all(&t, err);
    if (!st) st = finish(&t, err);
    curl_easy_cleanup(t.curl);
    if (st && t.fd >= 0 && (t.have == 0 || t.too_large)) drop_part(&t);
    if (t.fd >= 0) close(t.fd);
    free(t.part);
    free(t.tag_path);
    return st;
}
