/* The subcommands, for the table in main.c. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli.h"

int cmd_label_verify(struct cli *cli, int argc, char **argv);
int cmd_label_show(struct cli *cli, int argc, char **argv);
int cmd_label_get(struct cli *cli, int argc, char **argv);
int cmd_label_revoke(struct cli *cli, int argc, char **argv);
int cmd_label_suspend(struct cli *cli, int argc, char **argv);
int cmd_label_restore(struct cli *cli, int argc, char **argv);
int cmd_bundle_create(struct cli *cli, int argc, char **argv);
int cmd_bundle_verify(struct cli *cli, int argc, char **argv);
int cmd_bundle_show(struct cli *cli, int argc, char **argv);
int cmd_bundle_disclose(struct cli *cli, int argc, char **argv);
int cmd_bundle_extract(struct cli *cli, int argc, char **argv);
int cmd_trust_list(struct cli *cli, int argc, char **argv);
int cmd_trust_add(struct cli *cli, int argc, char **argv);
int cmd_trust_remove(struct cli *cli, int argc, char **argv);
int cmd_trust_show(struct cli *cli, int argc, char **argv);
int cmd_evidence_appraise(struct cli *cli, int argc, char **argv);
int cmd_evidence_replay(struct cli *cli, int argc, char **argv);
int cmd_evidence_show(struct cli *cli, int argc, char **argv);
int cmd_evidence_export(struct cli *cli, int argc, char **argv);
int cmd_evidence_get(struct cli *cli, int argc, char **argv);
int cmd_evidence_reappraise(struct cli *cli, int argc, char **argv);
int cmd_policy_check(struct cli *cli, int argc, char **argv);
int cmd_policy_diff(struct cli *cli, int argc, char **argv);
int cmd_policy_key(struct cli *cli, int argc, char **argv);
int cmd_policy_load(struct cli *cli, int argc, char **argv);
int cmd_notice_make(struct cli *cli, int argc, char **argv);
int cmd_notice_show(struct cli *cli, int argc, char **argv);
int cmd_policy_sign(struct cli *cli, int argc, char **argv);
int cmd_policy_show(struct cli *cli, int argc, char **argv);
int cmd_refvals_make(struct cli *cli, int argc, char **argv);
int cmd_refvals_merge(struct cli *cli, int argc, char **argv);
int cmd_refvals_import(struct cli *cli, int argc, char **argv);
int cmd_refvals_export(struct cli *cli, int argc, char **argv);
int cmd_refvals_show(struct cli *cli, int argc, char **argv);
int cmd_device_list(struct cli *cli, int argc, char **argv);
int cmd_device_show(struct cli *cli, int argc, char **argv);
int cmd_device_allow(struct cli *cli, int argc, char **argv);
int cmd_device_remove(struct cli *cli, int argc, char **argv);
int cmd_device_transfer(struct cli *cli, int argc, char **argv);
int cmd_log_verify(struct cli *cli, int argc, char **argv);
int cmd_log_audit(struct cli *cli, int argc, char **argv);
int cmd_log_export(struct cli *cli, int argc, char **argv);
int cmd_log_witness(struct cli *cli, int argc, char **argv);
int cmd_report_period(struct cli *cli, int argc, char **argv);
int cmd_report_csv(struct cli *cli, int argc, char **argv);
int cmd_report_oscal(struct cli *cli, int argc, char **argv);
int cmd_report_verify(struct cli *cli, int argc, char **argv);
int cmd_log_cosign(struct cli *cli, int argc, char **argv);
int cmd_log_cosign(struct cli *cli, int argc, char **argv);
int cmd_log_monitor(struct cli *cli, int argc, char **argv);
int cmd_log_prove(struct cli *cli, int argc, char **argv);
int cmd_key_create(struct cli *cli, int argc, char **argv);
int cmd_key_show(struct cli *cli, int argc, char **argv);
int cmd_key_rotate(struct cli *cli, int argc, char **argv);
int cmd_key_revoke(struct cli *cli, int argc, char **argv);
int cmd_key_export(struct cli *cli, int argc, char **argv);
bool key_name_ok(const char *name); /* of a key in the verifier's folder of keys */
int cmd_trust_revoke(struct cli *cli, int argc, char **argv);
int cmd_explain(struct cli *cli, int argc, char **argv);
int cmd_version(struct cli *cli, int argc, char **argv);
int cmd_help(struct cli *cli, int argc, char **argv);

#endif
