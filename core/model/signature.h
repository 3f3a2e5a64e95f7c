// SPDX-License-Identifier: Apache-2.0
// SSH signatures over a text, made and checked by the user's own ssh-keygen (`-Y sign`, `-Y verify`, namespace
// "slipway"): keys, agents and hardware tokens stay OpenSSH's business. The format is OpenSSH's PROTOCOL.sshsig, so
// anybody can check an approval without Slipway.
#ifndef SW_MODEL_SIGNATURE_H
#define SW_MODEL_SIGNATURE_H

#include "core/base/buf.h"

#define SW_SIGNATURE_MAX (64u << 10)

// Signs with `key`: a private key file, or a public key file whose private half is in the agent. Never asks: a key
// that wants a passphrase must be in the agent. The armoured signature is appended to `out` (initialised by the
// caller). SW_UNSUPPORTED without ssh-keygen, SW_NOT_FOUND, SW_CREDENTIALS, SW_TIMEOUT.
enum sw_code sw_signature_make(const char *text, const char *key, struct sw_buf *out, struct sw_err *err);
// SW_OK when `signature` over `text` is by a key that the allowed-signers file (ssh-keygen(1), "ALLOWED SIGNERS")
// lists for `signer`; SW_REFUSED when it is not; SW_UNSUPPORTED, SW_NOT_FOUND, SW_TIMEOUT as above.
enum sw_code sw_signature_check(const char *text, const char *signature, const char *signer,
                                const char *allowed_signers, struct sw_err *err);

#endif
