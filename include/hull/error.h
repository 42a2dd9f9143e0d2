// SPDX-License-Identifier: Apache-2.0
// Error codes. Functions return 0 or a negated code; each public function says which.
#ifndef HULL_ERROR_H
#define HULL_ERROR_H

enum hull_error {
    HULL_EINVAL = 1, // an argument or a field is not what it may be
    HULL_ENOMEM,     // no memory
    HULL_ENOSPC,     // a buffer, a table or a disk is full
    HULL_ERANGE,     // a number is outside its range
    HULL_EOVERFLOW,  // arithmetic would have wrapped
    HULL_EFAULT,     // a guest address that nothing backs
    HULL_EBUSY,      // in use by somebody else
    HULL_EIO,        // the host's I/O failed
    HULL_ENOTSUP,    // not supported here
    HULL_ENOENT,     // no such thing
    HULL_EEXIST,     // there already
    HULL_EPERM,      // not allowed
    HULL_ETIMEDOUT,  // took too long
    HULL_EFORMAT,    // malformed input
    HULL_EVERSION,   // made by a newer or unknown version
    HULL_ECANCELED,  // given up on request
};

#define HULL_MUST_CHECK __attribute__((warn_unused_result))

// What an error code means, in a few words; takes either sign.
const char *hull_strerror(int error);

#endif
