// Package letters draws the letters that a shop sends to its customers.
package letters

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"sync"
)

// The size of an A4 page at 200 dots per inch. As RGBA it takes 15.5 MB.
const (
	pageWidth  = 1654
	pageHeight = 2339
)

// pages holds every page that was ever drawn, so that a letter that is sent
// twice is drawn once. Nothing clears it: this is the leak.
var pages = struct {
	sync.Mutex
	drawn map[string]*image.RGBA
}{drawn: map[string]*image.RGBA{}}

// Page gives the first page of the named letter.
func Page(letter string) *image.RGBA {
	pages.Lock()
	defer pages.Unlock()
	if page, ok := pages.drawn[letter]; ok {
		return page
	}
	page := drawPage(letter)
	pages.drawn[letter] = page
	return page
}

func drawPage(letter string) *image.RGBA {
	page := image.NewRGBA(image.Rect(0, 0, pageWidth, pageHeight))
	draw.Draw(page, page.Bounds(), image.White, image.Point{}, draw.Src)
	for i, r := range letter {
		drawBar(page, 120+24*i, int(r))
	}
	return page
}

// drawBar stands for a glyph: a black bar, the higher the later the letter
// stands in the alphabet.
func drawBar(page *image.RGBA, x, height int) {
	bar := image.Rect(x, 300-height, x+16, 300)
	draw.Draw(page, bar, image.NewUniform(color.Black), image.Point{}, draw.Src)
}

// WritePNG writes the first page of the named letter for the printer.
func WritePNG(w io.Writer, letter string) error {
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	return encoder.Encode(w, Page(letter))
}
