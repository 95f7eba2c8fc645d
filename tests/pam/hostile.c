/* A PAM module that does to some users what modules do when they are broken: `hostile.so alice=hang bob=crash`. */

#include <security/pam_modules.h>
#include <string.h>
#include <unistd.h>

static int deed(pam_handle_t *pamh, const char *verb) {
    if (strcmp(verb, "hang") == 0)
        for (;;)
            pause();
    if (strcmp(verb, "crash") == 0)
        *(volatile int *)0 = 1;
    if (strcmp(verb, "exit") == 0)
        _exit(0);
    if (strcmp(verb, "rename") == 0)
        return pam_set_item(pamh, PAM_USER, "root");
    return PAM_SERVICE_ERR;
}

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv) {
    const char *user = "";
    (void)flags;
    if (pam_get_user(pamh, &user, NULL) != PAM_SUCCESS)
        return PAM_SERVICE_ERR;
    for (int i = 0; i < argc; i++) {
        size_t length = strlen(user);
        if (strncmp(argv[i], user, length) == 0 && argv[i][length] == '=')
            return deed(pamh, argv[i] + length + 1);
    }
    return PAM_SUCCESS;
}

int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv) {
    (void)pamh, (void)flags, (void)argc, (void)argv;
    return PAM_SUCCESS;
}
