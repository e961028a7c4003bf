/* Real signatures of one file. */
#include "imasigs.h"

#include <stdio.h>
#include <string.h>

#include "base/b64.h"
#include "base/wr.h"
#include "bytes.h"
#include "need.h"

#define IMA_PCR 10

const char *const imasigs_spki[IMASIGS__KEYS] = {
    "30820122300d06092a864886f70d01010105000382010f003082010a0282010100c74bffc2c5a21769c3"
    "319e4e1e0356f060f607374fc38bfe041957e3d07e7fe50ed4345f90145774aeee3ee65695fb1835f834"
    "ce20994a3faae0192df003002bc72c908273f3d2862988ecdf1a84804161805bcb3bfc9e392a002df78c"
    "bfbe58e812af2bad92f6f8b20673ddcc42667caeb9c18f0c9e9a6a94a2e97c77cfa4438e29fc8929b38d"
    "e7dd35f9c0d8262fff73fc9d15c34eaa6fdb6309742da925fe6862a7d7a5385923e963224c85b2e4ab56"
    "1c367dd727856ee7e81de3d6846e4e3d453223909045274e38f6fca4fb20e40a3f3d0d38637c56aeca9c"
    "2690f727ac1db1b92f935224a1487e2b048126720f8275db77a71ae1e6b2661ce9b3b60c190203010001",
    "3059301306072a8648ce3d020106082a8648ce3d03010703420004357f4fd17b093ea621eedd4e8c7378"
    "3d930c429611c6bfdaa3c75621a7c2d9443acacf55bbd1ca4cc016b1326258a8ab7c5bf19353cbb3cd8a"
    "a1a100af419ac2",
    "3076301006072a8648ce3d020106052b8104002203620004f9713208200ad972f32bbb05c2055014ddc0"
    "f4eaf9642acf9f019f59548a00f4c9f65b7fff09a49b13e6054e489aa3e7a61a86349b031e546a4a2e9f"
    "eca19655223cb83a61e15516a845c8e6cca833ce7ff5f2558194f3c9253807714e78f8aa",
};

const struct imasigs_row imasigs[IMASIGS__ROWS] = {
    {IMASIGS_RSA, ATT_HASH_SHA256, false,
     "030204e56942da010081bfb22545b2ccb1eefa8d80ff1e4b82bc9c80ae5ee324d9e03474b9b4f2ea83db"
     "a6959c5265c1c9dbf9ac169bcc2f35e53d99a529a21b7be8ca91b3d79ff53b9ae10c902dffb2c3fe4b40"
     "33f29a13536c327b589bd61cc73a4c79ee8db12aead5fba886cfa589a60cf56630414eede84bdc226d70"
     "91f15e295cebae9b950ac70e4b33334abf4ea799e4fb70992507e9d8bbca57e406036815bb8bca071fa1"
     "db2a097578396699fa4ed019a94afac54370d80b1dc81d48ad1ec277317b35760492c478176fa56684ed"
     "e133c53d930129cd001757e975beadb45e1f8c57ec1d83992e07851e7066fb54e7647e9bbd947625df86"
     "f45296cc01cf32e0e3ae2c0c5e"},
    {IMASIGS_RSA, ATT_HASH_SHA384, false,
     "030205e56942da0100883d0af5fcf63dbcf0b5f8555b51e34a721a50e4d3a09c531e1d1ee1745ce17d8b"
     "082a61426619214ad35e39761d90f7332e4948913005b51c71feb8815ba048aba1fa8c73cd5afff381b8"
     "f35b13ee726f439b3644cbe10c31153bc9a4b3eaaa222b39616b8f1d23b7939e38b9ce85f6d902edcf6a"
     "c6afbb00fb3a2ee26114c58ce3ccc0a729267985e7b7a88904a0139faef6061d86ae7091ad91c7e798e2"
     "e1b10ce608ec15c38b7557063f0c0b457e7f8a6822c702e6c532b44a3711bb10530b564100a311e3a642"
     "13c3411da09a2af59b133f3585d6b8b65ffd95d8418d58a3cc635d3304e82a927db3fb31f6dc08d308e3"
     "394667a578cd4eba20bb1b1133"},
    {IMASIGS_RSA, ATT_HASH_SHA512, false,
     "030206e56942da01005ec9929c7c0b38c54f76e61e86c2121485b5826663d4b4e846c268d43b05a5c950"
     "59085897dd6a77bd360b14bd041edb168cd9ac4b4622550b42a84b6bc5ce861162b12d62fbd22b973f4a"
     "0c830b15ab2f283b42c649c40e6923db806281aca8767ff08b95c4d78a8d3b3ba2fd13d5a061705c323d"
     "3e4d54e73145dc9b550ebc61622a77949b7d81e3d4402f32f330420e3b46f4f530053c9656e5f67eb48b"
     "b4c676c955362d990195cb0e42528bce6f7d7d34122c4fa9afe485530d9d80f01b9b75b870ca21fd2b66"
     "179c37f90df9cd1684aca34919b5f0fed77a661318da1fe1be868d257ecbef8709a3da03f726611bdac6"
     "6f55129db5dea528e7de7abadd"},
    {IMASIGS_P256, ATT_HASH_SHA256, false,
     "030204c74cefff00473045022100e0fc265adad685446b11ac0413443be532d71bb62032b6fe233467ea"
     "4d6576d402200dcc46d1ea70d5954fc8b6523b432ddbe71330d6782aa0b8aabaecf707d72971"},
    {IMASIGS_P256, ATT_HASH_SHA384, false,
     "030205c74cefff004730450221009c2aa14ee9e309af10d2ab70a77a4fed5a367504667e5e7776ebd58d"
     "c753c5ed02206e57a5130479120f4c22ef02a7465a048efe2ffb0c7a3bf60d82fc8406bf22df"},
    {IMASIGS_P256, ATT_HASH_SHA512, false,
     "030206c74cefff00473045022100fee7fd4a37d35fe6630db77f1e12d8d502c51a7ba1b22e8596cc3842"
     "76eca6ee02205dd488ed0d6d60fb7f312b6092f39c7d03939714e8a024a46a6aea2676149368"},
    {IMASIGS_P384, ATT_HASH_SHA256, false,
     "03020491097968006730650230449df2f4c0b2be6604a9691912d5255c65f75a533183863e487bbecf43"
     "be0cdb235a6e6c9556c3908368fd3b9c5948a40231008f7e9dbdce63809c40481347adac1921dd8e7c6c"
     "09b664ec1504ab53f24e8be76b22eb137236d61630e0e0f1f9aa5e45"},
    {IMASIGS_P384, ATT_HASH_SHA384, false,
     "0302059109796800663064023066e52189b0c56a9d6bd9f4a91e2f07717eef87b65157120c3a0a4897d7"
     "ad525f9ca580e7124cf11d7839e51f16afdea60230145dceede544d648f7eb743daa25febcb2e836339e"
     "234cc6ef426e4c72a159300bed01f76a64b827c9d8f723f9cd759b"},
    {IMASIGS_P384, ATT_HASH_SHA512, false,
     "03020691097968006830660231008b2c540f0eb07734ffc5c44aabe8cdfa4b2403d9844a9a1d2b460902"
     "2b10ae4d8ca9138123db04490a66c291d39773df023100c4e5c7d09c272ef2a7aa65bd4b9a58ff9eda4c"
     "358435e802c11c29e5b45e62fa89cbc7fb3d771faeb3f21093db7592a6"},
    {IMASIGS_P256, ATT_HASH_SHA256, true,
     "060304c74cefff00473045022100fa0c8d6ee5df4c20fc4104395009b37364165468eae542f7c7655197"
     "2ace449102203a71d94a0685304a6249f93a7cf03f6e67c7dc3ff21f4b378aad53166e5ad442"},
    {IMASIGS_RSA, ATT_HASH_SHA256, true,
     "060304e56942da01000c9753f12cd8886e1e614cecc443a72c111501a370bc2476a71c0a370f1f8673c2"
     "d5372859d3400091c87b4d2ca1ea869abca44f3c7fc540392874a9f4d9e7cbc69e3f25d4dfb5cc51bbfe"
     "00014f729498de9a5cd731cd0fd8db62c9b1bb175833c81d277acc8c8fce31b2602930c2573a2f6727d8"
     "5edc0d481b091e635c42c2acf58eb2a3a048856040a6494670a11230fdf58e5875c605dd37a926566c19"
     "5c85a2db82260953ee84e44abd962305cded2d3909afb860cecfbed16369aaffc3e6987d1e38f5992522"
     "98af24507fd044dc6b9a0eb9da1bef385fe52f86d9db2dd66304c032d705359f959aee75f32b725f5fe1"
     "72a09beb898460f9ad67d19347"},
    {IMASIGS_P384, ATT_HASH_SHA256, false,
     "030304910979680066306402307fd14702654db2c0d824cb72d882bef3e9dd7fc944e3a89601baf943c7"
     "7df9dc26f2da55acb44f15789f2b94624b9b5802302fdccec37418694f153ee6d3d221544ef394393ca5"
     "091b3dbbe8e46c36d8b6085e76a57d6ad1cf2430e91dca842737eb"},
};

const char imasigs_sha1[] =
    "030202c74cefff004730450221008186d5a52c86c6cf7a13778d8e7860b82d81dbb94beb2279f0685c2c"
    "8c67791d02203e0660c353855f9486381053835d097d7ada544e48f8fff7e566711f10960330";

const char *const imasigs_ids[IMASIGS__KEYS] = {"e56942da", "c74cefff", "91097968"};

char *imasigs_key(char *out, size_t cap, enum imasigs_key key, const char *id)
{
    struct bytes der = bytes_unhex(imasigs_spki[key]);
    char b64[ATT_B64_LEN(600)];

    (void)att_b64_encode(b64, sizeof(b64), ATT_B64_STD, bytes_slice(&der));
    NEED(snprintf(out, cap, "{key: \"%s\"%s%s%s}", b64, id != NULL ? ", id: \"" : "",
                  id != NULL ? id : "", id != NULL ? "\"" : "") < (int)cap);
    return out;
}

struct imasigs_entry imasigs_entry(uint8_t *room, const struct imasigs_row *row, const char *path)
{
    static const char *const PREFIX[2][3] = {
        {"sha256:", "sha384:", "sha512:"}, {"verity:sha256:", "verity:sha384:", "verity:sha512:"}};
    struct bytes sig = bytes_unhex(row->sig);
    size_t hash = row->hash == ATT_HASH_SHA256 ? 0 : row->hash == ATT_HASH_SHA384 ? 1 : 2;

    memcpy(room, sig.p, sig.len);
    return (struct imasigs_entry){.template_ = row->verity ? "ima-sigv2" : "ima-sig",
                                  .path = path,
                                  .prefix = PREFIX[row->verity ? 1 : 0][hash],
                                  .hash = row->hash,
                                  .content = IMASIGS_FILE,
                                  .sig = att_slice_of(room, sig.len)};
}

void imasigs_measure(struct softlog *log, struct softtpm *tpm, const struct imasigs_entry *e)
{
    struct att_slice content = att_slice_str(e->content);
    size_t size = att_hash_size(e->hash);
    uint8_t digest[ATT_HASH_MAX];
    uint8_t data[4096];
    struct att_wr w = att_wr_into(data, sizeof(data));

    NEED(att_digest(e->hash, &content, 1, digest) == ATT_OK);
    att_wr_u32le(&w, (uint32_t)(strlen(e->prefix) + 1 + size));
    att_wr_bytes(&w, e->prefix, strlen(e->prefix) + 1);
    att_wr_bytes(&w, digest, size);
    att_wr_u32le(&w, (uint32_t)strlen(e->path) + 1);
    att_wr_bytes(&w, e->path, strlen(e->path) + 1);
    if (strcmp(e->template_, "ima-ng") != 0) {
        att_wr_u32le(&w, (uint32_t)e->sig.len);
        att_wr_slice(&w, e->sig);
    }
    NEED(att_wr_ok(&w));
    softlog_ima_template(log, tpm, IMA_PCR, e->template_, att_slice_of(data, w.len));
}
