/* What making and reading receipts share. */
#ifndef ATT_TLOG_RECEIPT_INTERNAL_H
#define ATT_TLOG_RECEIPT_INTERNAL_H

#include "tlog/receipt.h"

#define RECEIPT_HEADER_RECEIPTS    394 /* RFC 9942 section 4, of the statement */
#define RECEIPT_HEADER_VDS         395
#define RECEIPT_HEADER_VDP         396
#define RECEIPT_VDS_RFC9162_SHA256 1
#define RECEIPT_VDP_INCLUSION      (-1)
#define RECEIPT_PROOF_ROOM         (64 + ATT_MERKLE_PATH_MAX * (ATT_MERKLE_LEN + 2))

#endif
