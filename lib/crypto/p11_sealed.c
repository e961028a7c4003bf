/*
 * Whether a token would hand out a private key.
 *
 * libp11 has no call for this attribute, so the module that it loaded is asked directly, in a session
 * of its own: PKCS#11 shares the login and the initialisation within a process.
 */
#include <dlfcn.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

#include "base/guard.h"
#include "crypto/p11_internal.h"

#define FOUND_MAX 8

static CK_FUNCTION_LIST *functions_of(void *library)
{
    CK_C_GetFunctionList get = NULL;
    CK_FUNCTION_LIST *list = NULL;
    void *symbol = dlsym(library, "C_GetFunctionList");

    if (symbol == NULL) {
        return NULL;
    }
    /* C has no cast between object and function pointers; POSIX promises that the bits fit. */
    memcpy(&get, &symbol, sizeof(get));
    return get(&list) == CKR_OK ? list : NULL;
}

/* Room in the template is not const, though nobody writes there. */
static void set_bytes(CK_ATTRIBUTE *a, CK_ATTRIBUTE_TYPE type, void *room, struct att_slice value)
{
    memcpy(room, value.p, value.len);
    a->type = type;
    a->pValue = room;
    a->ulValueLen = value.len;
}

static CK_RV find(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, CK_ATTRIBUTE *what, CK_ULONG what_count,
                  CK_OBJECT_HANDLE found[FOUND_MAX], CK_ULONG *count)
{
    CK_RV rv = f->C_FindObjectsInit(s, what, what_count);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = f->C_FindObjects(s, found, FOUND_MAX, count);
    (void)f->C_FindObjectsFinal(s);
    return rv;
}

/* Only a clear "not extractable" counts; silence does not. */
static bool stays_inside(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
    CK_BBOOL extractable = CK_TRUE;
    CK_ATTRIBUTE a = {CKA_EXTRACTABLE, &extractable, sizeof(extractable)};

    return f->C_GetAttributeValue(s, key, &a, 1) == CKR_OK && a.ulValueLen == sizeof(extractable) &&
           extractable == CK_FALSE;
}

static enum att_err ask(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, struct att_slice id,
                        struct att_slice label, struct att_diag *diag)
{
    CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE what[3] = {{CKA_CLASS, &private_key, sizeof(private_key)}};
    CK_OBJECT_HANDLE found[FOUND_MAX];
    CK_ULONG what_count = 1;
    CK_ULONG count = 0;
    uint8_t room[2][ATT_P11_TEXT];

    if (id.len > ATT_P11_TEXT || label.len > ATT_P11_TEXT) {
        return ATT_E_LIMIT;
    }
    if (id.len > 0) {
        set_bytes(&what[what_count++], CKA_ID, room[0], id);
    }
    if (label.len > 0) {
        set_bytes(&what[what_count++], CKA_LABEL, room[1], label);
    }
    if (find(f, s, what, what_count, found, &count) != CKR_OK) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_KEY_STORE, "pkcs11", "the token does not answer");
    }
    if (count == 0) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_KEY_STORE, "pkcs11", "no such private key");
    }
    for (CK_ULONG i = 0; i < count; i++) {
        if (ATT_GUARD(P11_EXTRACTABLE, !stays_inside(f, s, found[i]))) {
            return att_fail(diag, ATT_E_DENIED, ATT_R_KEY_STORE, "pkcs11",
                            "expected a key that is not extractable (CKA_EXTRACTABLE false)");
        }
    }
    return ATT_OK;
}

enum att_err att_p11_is_sealed(const char *module, unsigned long slot, struct att_slice id,
                               struct att_slice label, struct att_diag *diag)
{
    void *library = dlopen(module, RTLD_NOW | RTLD_NOLOAD);
    CK_FUNCTION_LIST *f = library == NULL ? NULL : functions_of(library);
    CK_SESSION_HANDLE s = CK_INVALID_HANDLE;
    enum att_err err = ATT_E_CRYPTO;

    if (f == NULL || f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &s) != CKR_OK) {
        err = att_fail(diag, ATT_E_CRYPTO, ATT_R_KEY_STORE, "pkcs11",
                       "the token cannot be asked whether the key is extractable");
    } else {
        err = ask(f, s, id, label, diag);
        (void)f->C_CloseSession(s);
    }
    if (library != NULL) {
        (void)dlclose(library);
    }
    return err;
}
