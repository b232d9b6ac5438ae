// Draws each figure of the page where the template placed it.
(() => {
  "use strict";
  const places = Array.from(document.querySelectorAll("[data-figure]"));
  const touched = matchMedia("(pointer: coarse)").matches;
  // Named one by one: plotly's own choice offers to upload the picture.
  const settings = {
    responsive: true, displaylogo: false, scrollZoom: false, displayModeBar: !touched && "hover",
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  };
  for (const place of places) {
    const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    figure.layout.modebar = { bgcolor: "rgba(0,0,0,0)", color: "#8a93a0", activecolor: "#3b82f6" };
    // A finger that moves over the picture scrolls the page.
    if (touched) figure.layout.dragmode = false;
    Plotly.newPlot(place, figure.data, figure.layout, settings);
  }
  // On paper a picture must fit one page.
  const resize = (place, width, height) => {
    place.style.height = `${height}px`;
    Plotly.relayout(place, { width, height, autosize: width === null });
  };
  const heights = new Map(places.map(place => [place, place.clientHeight]));
  addEventListener("beforeprint", () => {
    for (const [place, height] of heights) resize(place, 680, Math.min(height, 900));
  });
  addEventListener("afterprint", () => {
    for (const [place, height] of heights) resize(place, null, height);
  });
})();
