UNIT_LABEL := src/label/label_parse.c src/label/label_canon.c src/label/label_order.c src/label/label_id.c

UNIT_SRC_label_parse  := $(UNIT_LABEL)
UNIT_SRC_label_limits := $(UNIT_LABEL)
UNIT_SRC_label_order  := $(UNIT_LABEL)
UNIT_SRC_label_id     := $(UNIT_LABEL)
UNIT_SRC_decide       := $(UNIT_LABEL) src/policy/policy_decide.c
UNIT_SRC_decide_model := $(UNIT_LABEL) src/policy/policy_decide.c
UNIT_RUN_decide_model := perl test/unit/decide_model.pl
