// SPDX-License-Identifier: Apache-2.0
#include "core/model/signature.h"

#include "core/base/proc.h"
#include "core/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAMESPACE    "slipway"
#define DEADLINE_MS  60000 // a hardware token waits for a touch
#define SIGNATURE_FD 3

// Runs ssh-keygen with `text` on stdin. Its own session keeps it from asking on our terminal.
static enum sw_code run_keygen(const char *const *argv, const struct sw_proc_fd *fds, size_t fd_count, const char *text,
                               struct sw_buf *out, struct sw_buf *complaint, int *exit_code, struct sw_err *err)
{
    struct sw_proc_spec spec = {.argv = argv, .fds = fds, .fd_count = fd_count, .new_session = true};
    struct sw_proc_result result = {0};
    enum sw_code code = sw_proc_run(&spec, text, strlen(text), DEADLINE_MS, out, complaint, &result, err);
    if (code == SW_NOT_FOUND) {
        code = sw_err_set(err, SW_UNSUPPORTED, "ssh-keygen was not found");
        (void)sw_err_hint(err, "install the OpenSSH client");
    }
    if (code == SW_OK)
        *exit_code = result.exit_code;
    return code;
}

// First line of what ssh-keygen said, safe to show.
static const char *first_line(const struct sw_buf *complaint, char *dst, size_t size)
{
    char line[200];
    snprintf(line, sizeof line, "%s", complaint->data);
    line[strcspn(line, "\r\n")] = '\0';
    return sw_text_safe_copy(dst, size, line[0] == '\0' ? "no reason given" : line, SW_TEXT_ONE_LINE);
}

enum sw_code sw_signature_make(const char *text, const char *key, struct sw_buf *out, struct sw_err *err)
{
    if (access(key, R_OK) != 0)
        return sw_err_errno(err, errno, "the signing key '%s'", key);
    const char *const argv[] = {"ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", key, NULL};
    struct sw_buf complaint;
    sw_buf_init(&complaint, SW_SIGNATURE_MAX);
    int exit_code = 0;
    enum sw_code code = run_keygen(argv, NULL, 0, text, out, &complaint, &exit_code, err);
    if (code == SW_OK && exit_code != 0) {
        char why[160];
        code = sw_err_set(err, SW_CREDENTIALS, "signing with '%s' failed: %s", key,
                          first_line(&complaint, why, sizeof why));
        (void)sw_err_hint(err, "a key with a passphrase must be in the agent: ssh-add %s", key);
    }
    if (code == SW_OK)
        code = sw_buf_check(out, "the signature", err);
    sw_buf_free(&complaint);
    return code;
}

// An unnamed file with the signature in it: ssh-keygen takes the signature as a file and the text on stdin.
static enum sw_code open_signature(const char *signature, int *fd, struct sw_err *err)
{
    int made = memfd_create("signature", MFD_CLOEXEC);
    if (made < 0)
        return sw_err_errno(err, errno, "making a file in memory");
    size_t len = strlen(signature);
    if (write(made, signature, len) != (ssize_t)len) {
        enum sw_code code = sw_err_errno(err, errno, "writing a file in memory");
        close(made);
        return code;
    }
    *fd = made;
    return SW_OK;
}

enum sw_code sw_signature_check(const char *text, const char *signature, const char *signer,
                                const char *allowed_signers, struct sw_err *err)
{
    if (access(allowed_signers, R_OK) != 0)
        return sw_err_errno(err, errno, "the file of allowed signers '%s'", allowed_signers);
    int fd = -1;
    enum sw_code code = open_signature(signature, &fd, err);
    if (code != SW_OK)
        return code;
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", SIGNATURE_FD);
    const char *const argv[] = {"ssh-keygen",    "-Y", "verify", "-n", NAMESPACE, "-f",
                                allowed_signers, "-I", signer,   "-s", path,      NULL};
    struct sw_proc_fd fds = {.parent_fd = fd, .child_fd = SIGNATURE_FD};
    struct sw_buf complaint;
    sw_buf_init(&complaint, SW_SIGNATURE_MAX);
    int exit_code = 0;
    code = run_keygen(argv, &fds, 1, text, NULL, &complaint, &exit_code, err);
    close(fd);
    if (code == SW_OK && exit_code != 0) {
        char why[160];
        code = sw_err_set(err, SW_REFUSED, "the signature is not one of %s by %s: %s", signer, allowed_signers,
                          first_line(&complaint, why, sizeof why));
    }
    sw_buf_free(&complaint);
    return code;
}
