"""What was published, or is claimed here, as values that a command can check: `cnncli train --reproduce NAME`."""

from dataclasses import dataclass
from statistics import fmean, stdev

from cnncli.errors import UsageError, nearest


@dataclass(frozen=True)
class Claim:
    """A network trained on a dataset by a recipe ("" for the default) reaches an accuracy on the test split.

    `published` is the figure of the text, None where there is none. It is met by a mean of at least `least`, or within
    `within` of what was published; without any of the three there is nothing to meet. All are fractions. `source` says
    where the figure is from.
    """

    network: str
    dataset: str
    recipe: str = ""
    published: float | None = None
    least: float | None = None
    within: float | None = None
    source: str = ""

    @property
    def bound(self) -> float | None:
        """The least mean that meets it, if any does."""
        return self.published if self.least is None else self.least

    def met(self, mean: float) -> bool | None:
        """Whether a mean accuracy meets the claim; None where it asks for nothing."""
        if self.within is not None and self.published is not None:
            return abs(mean - self.published) <= self.within + 1e-9
        return None if self.bound is None else mean >= self.bound

    @property
    def wanted(self) -> str:
        """What is asked for, in words."""
        if self.within is not None and self.published is not None:
            return f"within {self.within:.2%} of {self.published:.2%}"
        return "no figure is published" if self.bound is None else f"at least {self.bound:.2%}"


_ARTICLE, _CHAPTER = "the Keras article", "textbook chapter on ConvNets, 12.7.2"
_HE = "He et al. 2016, table 6"

CLAIMS: dict[str, Claim] = {
    "lenet5-digits": Claim("lenet5", "digits", least=0.97, source="this project's aim"),
    "lenet5": Claim("lenet5", "mnist", least=0.993, source="this project's aim"),
    "lenet5-modern": Claim("lenet5-modern", "mnist", "distortions", least=0.995, source="this project's aim"),
    "lenet5-1998": Claim("lenet5-1998", "mnist", published=0.9905, source="LeCun et al. 1998, section III"),
    "lenet5-keras": Claim("lenet5-keras", "mnist", "keras-article", 0.9871, within=0.002, source=_ARTICLE),
    "mnist-convnet": Claim("mnist-convnet", "mnist", "chapter", 0.9876, within=0.002, source=_CHAPTER),
    "alexnet-cifar10-article": Claim("alexnet-cifar10", "cifar10", "keras-article", 0.5549, 0.55, source=_ARTICLE),
    "alexnet-cifar10": Claim("alexnet-cifar10", "cifar10", "modern", least=0.75, source="once, on a GPU"),
    "alexnet-torchvision": Claim("alexnet-torchvision", "cifar10", "torch-article", source="the third article"),
    "resnet20": Claim("resnet20", "cifar10", "paper", 0.9125, source=_HE),
    "resnet20-modern": Claim("resnet20", "cifar10", "modern", least=0.926, source="good reproductions"),
    "resnet56": Claim("resnet56", "cifar10", "paper", 0.9303, source=_HE),
    "plain20": Claim("plain20", "cifar10", "paper", source="He et al. 2016, figure 6"),
    "plain56": Claim("plain56", "cifar10", "paper", source="He et al. 2016, figure 6"),
    "vgg16-bn-cifar": Claim("vgg16-bn-cifar", "cifar10", "modern", least=0.94, source="common reproductions"),
    "resnet18-cifar": Claim("resnet18-cifar", "cifar10", "modern", least=0.955, source="common reproductions"),
    "googlenet-cifar": Claim("googlenet-cifar", "cifar10", "modern", 0.9285, least=0.93, source="common reproductions"),
}


def find(name: str) -> Claim:
    """The claim of a name; UsageError with the nearest for one that is not known."""
    if name not in CLAIMS:
        hint = nearest(name, CLAIMS) or f"; known: {', '.join(CLAIMS)}"
        raise UsageError(f"--reproduce: no claim '{name}'{hint}")
    return CLAIMS[name]


@dataclass(frozen=True)
class Reproduction:
    """A claim and the test accuracies of runs that differ in their seeds alone; `left` are to come."""

    claim: Claim
    accuracies: tuple[float, ...]
    left: int = 0

    @property
    def mean(self) -> float:
        """Their mean."""
        return fmean(self.accuracies)

    @property
    def deviation(self) -> float | None:
        """Their sample standard deviation; one run has none."""
        return stdev(self.accuracies) if len(self.accuracies) > 1 else None

    @property
    def met(self) -> bool | None:
        """Whether the mean meets the claim; None where it asks for nothing."""
        return self.claim.met(self.mean)
