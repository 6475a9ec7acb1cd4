"""A small network with all that freezing is about: normalization, a group, dropout below and in the head."""

from cnncli.networks.layers import Activation, BatchNorm, Conv, Dense, Dropout, GlobalPool, Group
from cnncli.networks.network import Network

SMALL = Network(
    "small",
    (8, 8, 1),
    (
        *(Conv(4, 3, 2, 1, name="conv1"), BatchNorm(name="bn1"), Activation("relu", name="relu1")),
        Group((Conv(6, 3, padding=1, name="a"), BatchNorm(name="norm"), Dropout(0.3, name="drop")), name="block"),
        *(Activation("relu", name="relu2"), GlobalPool(name="pool")),
        *(Dropout(0.2, name="dropout"), Dense(10, name="fc")),
    ),
    init="he-normal",
)
