// Every visible text with the contrast to what is behind it (WCAG 2.2, 1.4.3).
() => {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (text) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = text;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const over = (top, below) => {
    const part = top[3] / 255;
    return below.map((value, i) => (i === 3 ? 255 : top[i] * part + value * (1 - part)));
  };
  const linear = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const light = (colour) => {
    const [red, green, blue] = colour.map((value) => linear(value / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    const chain = [];
    for (let each = element; each; each = each.parentElement) chain.unshift(each);
    return chain.reduce(
      (below, each) => over(rgba(getComputedStyle(each).backgroundColor), below),
      [255, 255, 255, 255],
    );
  };
  const found = [];
  for (const each of document.querySelectorAll("body *")) {
    const own = [...each.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!own.length || !each.checkVisibility()) continue;
    const paper = behind(each);
    const [one, two] = [light(over(rgba(getComputedStyle(each).color), paper)), light(paper)];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    found.push({ text: own.map((node) => node.data.trim()).join(" "), ratio });
  }
  return found;
}
