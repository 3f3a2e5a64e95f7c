// SPDX-License-Identifier: Apache-2.0
#include "core/base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIGEST_BYTES = 32, BLOCK_BYTES = 128 * 1024 };

struct sw_sha256 {
    EVP_MD_CTX *ctx;
    bool failed;
};

static void write_hex(const unsigned char *bytes, size_t count, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * count] = '\0';
}

struct sw_sha256 *sw_sha256_new(void)
{
    struct sw_sha256 *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->ctx = EVP_MD_CTX_new();
    if (h->ctx == NULL || EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(h->ctx);
        free(h);
        return NULL;
    }
    return h;
}

void sw_sha256_add(struct sw_sha256 *h, const void *bytes, size_t len)
{
    if (len > 0 && EVP_DigestUpdate(h->ctx, bytes, len) != 1)
        h->failed = true;
}

void sw_sha256_end(struct sw_sha256 *h, char hex[static SW_SHA256_HEX])
{
    unsigned char digest[DIGEST_BYTES];
    if (EVP_DigestFinal_ex(h->ctx, digest, NULL) == 1 && !h->failed)
        write_hex(digest, sizeof digest, hex);
    else
        hex[0] = '\0';
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void sw_sha256_hex(const void *bytes, size_t len, char hex[static SW_SHA256_HEX])
{
    unsigned char digest[DIGEST_BYTES];
    if (EVP_Digest(len > 0 ? bytes : "", len, digest, NULL, EVP_sha256(), NULL) == 1)
        write_hex(digest, sizeof digest, hex);
    else
        hex[0] = '\0';
}

// Feeds the rest of `fd` to `h`; `*total` gets the bytes read.
static enum sw_code add_file(struct sw_sha256 *h, int fd, const char *path, int64_t *total, struct sw_err *err)
{
    char *block = malloc(BLOCK_BYTES);
    if (block == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory for the digest of %s", path);
    enum sw_code code = SW_OK;
    *total = 0;
    for (;;) {
        ssize_t got = read(fd, block, BLOCK_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            code = sw_err_errno(err, errno, "cannot read %s", path);
        if (got <= 0)
            break;
        sw_sha256_add(h, block, (size_t)got);
        *total += got;
    }
    free(block);
    return code;
}

enum sw_code sw_sha256_file(const char *path, char hex[static SW_SHA256_HEX], int64_t *size_bytes, struct sw_err *err)
{
    struct stat st;
    int64_t total = 0;
    char found[SW_SHA256_HEX] = "";
    enum sw_code code = SW_OK;
    struct sw_sha256 *h = NULL;
    // Non-blocking, so that a FIFO in the place of a file cannot hold us.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return sw_err_errno(err, errno, "cannot open %s", path);
    if (fstat(fd, &st) != 0)
        code = sw_err_errno(err, errno, "cannot inspect %s", path);
    else if (!S_ISREG(st.st_mode))
        code = sw_err_set(err, SW_INVALID, "%s is not a regular file", path);
    if (code == SW_OK && (h = sw_sha256_new()) == NULL)
        code = sw_err_set(err, SW_NO_MEMORY, "cannot start the digest of %s", path);
    if (code == SW_OK)
        code = add_file(h, fd, path, &total, err);
    if (h != NULL)
        sw_sha256_end(h, found);
    close(fd);
    if (code == SW_OK && found[0] == '\0')
        code = sw_err_set(err, SW_FAILED, "libcrypto could not compute the digest of %s", path);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < SW_SHA256_HEX; i++)
        hex[i] = found[i];
    if (size_bytes != NULL)
        *size_bytes = total;
    return SW_OK;
}

enum sw_code sw_random_id(char hex[static 33], struct sw_err *err)
{
    unsigned char bytes[16];
    size_t have = 0;
    while (have < sizeof bytes) {
        ssize_t got = getrandom(bytes + have, sizeof bytes - have, 0);
        if (got < 0 && errno != EINTR)
            return sw_err_errno(err, errno, "the kernel gave no random bytes");
        if (got > 0)
            have += (size_t)got;
    }
    write_hex(bytes, sizeof bytes, hex);
    return SW_OK;
}
