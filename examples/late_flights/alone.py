"""The same model with scikit-learn alone: `python alone.py FOLDER` prints its AUC on the folder's test.parquet."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from sklearn.metrics import roc_auc_score
from train import LABEL, prepared, trained  # type: ignore[import-not-found]

train, test = (pd.read_parquet(Path(sys.argv[1]) / f"{part}.parquet") for part in ("train", "test"))
model = trained(prepared(train.drop(columns=LABEL)), train[LABEL], max_iter=100, learning_rate=0.1)
print(roc_auc_score(test[LABEL], model.predict_proba(prepared(test.drop(columns=LABEL)))[:, 1]))
