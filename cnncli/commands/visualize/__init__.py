"""`cnncli visualize`: what a network is and what it has learned, as pictures; a file for each method."""

import typer

from cnncli.commands.visualize.activation import activation
from cnncli.commands.visualize.adversarial import adversarial
from cnncli.commands.visualize.architecture import architecture
from cnncli.commands.visualize.confusion import confusion
from cnncli.commands.visualize.convolution import convolution
from cnncli.commands.visualize.curves import curves
from cnncli.commands.visualize.dream import dream
from cnncli.commands.visualize.embedding import embedding
from cnncli.commands.visualize.filters import filters
from cnncli.commands.visualize.invert import invert
from cnncli.commands.visualize.maps import maps
from cnncli.commands.visualize.maximize import maximize
from cnncli.commands.visualize.mistakes import mistakes
from cnncli.commands.visualize.neighbours import neighbours
from cnncli.commands.visualize.patches import patches
from cnncli.commands.visualize.pooling import pooling
from cnncli.commands.visualize.report import report
from cnncli.commands.visualize.robustness import robustness
from cnncli.commands.visualize.saliency import saliency

app = typer.Typer(no_args_is_help=True, help="Draw what a network is and what it has learned.")
app.command()(activation)
app.command()(adversarial)
app.command()(architecture)
app.command()(confusion)
app.command()(convolution)
app.command()(curves)
app.command()(dream)
app.command()(embedding)
app.command()(filters)
app.command()(invert)
app.command()(maps)
app.command()(maximize)
app.command()(mistakes)
app.command()(neighbours)
app.command()(patches)
app.command()(pooling)
app.command()(report)
app.command()(robustness)
app.command()(saliency)
