"""DeepSeek-V4-Flash's config.json: the figures that sizes are computed from."""

HIDDEN, LAYERS, MTP_LAYERS, VOCABULARY = 4096, 43, 1, 129_280
HEADS, HEAD_DIM, Q_LORA, O_LORA, O_GROUPS = 64, 512, 1024, 1024, 8
EXPERTS, EXPERTS_A_TOKEN, EXPERT_WIDTH, HASH_LAYERS, HC = 256, 6, 2048, 3, 4
INDEX_HEADS, INDEX_DIM = 64, 128
# compress_ratios: two layers have a sliding window alone, 21 compress by 4, 20 by 128.
C4, C128 = 21, 20
MAX_MODEL_LEN = 1_048_576
WINDOW = 128
