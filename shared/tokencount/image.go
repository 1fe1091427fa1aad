package tokencount

import (
	"encoding/binary"
)

// What an image costs: https://platform.openai.com/docs/guides/images-vision
const (
	imageBase    = 85
	imageTile    = 170
	tileSide     = 512
	longestSide  = 2048
	shorterSide  = 768
	imageUnsized = 250
	maxSide      = 1 << 16
)

// Image is an image in a chat. Detail is low, high or auto; sizes are in
// pixels, and zero where nobody knows them.
type Image struct {
	Width, Height int
	Detail        string
}

// Tokens returns what the image costs: a base, and for high detail as much for
// each tile of the image once it is scaled down. Like LiteLLM, it takes auto
// for low.
func (i *Image) Tokens() int {
	switch {
	case i.Detail != "high":
		return imageBase
	case i.Width <= 0 || i.Height <= 0:
		return imageUnsized
	}
	w, h := min(i.Width, maxSide), min(i.Height, maxSide)
	if longer := max(w, h); longer > longestSide {
		w, h = w*longestSide/longer, h*longestSide/longer
	}
	if shorter := min(w, h); shorter > shorterSide {
		w, h = w*shorterSide/shorter, h*shorterSide/shorter
	}
	tiles := max((w+tileSide-1)/tileSide, 1) * max((h+tileSide-1)/tileSide, 1)
	return imageBase + imageTile*tiles
}

// Dimensions reads the size of a PNG, GIF, JPEG or WebP image from its first
// bytes; a few hundred are enough for all but JPEGs with a large preview.
func Dimensions(b []byte) (width, height int, ok bool) {
	switch {
	case len(b) >= 24 && string(b[:8]) == "\x89PNG\r\n\x1a\n":
		return sized(int64(binary.BigEndian.Uint32(b[16:])), int64(binary.BigEndian.Uint32(b[20:])))
	case len(b) >= 10 && (string(b[:6]) == "GIF87a" || string(b[:6]) == "GIF89a"):
		return sized(int64(binary.LittleEndian.Uint16(b[6:])), int64(binary.LittleEndian.Uint16(b[8:])))
	case len(b) >= 30 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return webp(b)
	case len(b) >= 4 && b[0] == 0xff && b[1] == 0xd8:
		return jpeg(b)
	default:
		return 0, 0, false
	}
}

func sized(width, height int64) (int, int, bool) {
	if width <= 0 || height <= 0 || width > 1<<30 || height > 1<<30 {
		return 0, 0, false
	}
	return int(width), int(height), true
}

// webp knows the three forms of https://developers.google.com/speed/webp/docs/riff_container.
func webp(b []byte) (width, height int, ok bool) {
	switch string(b[12:16]) {
	case "VP8X":
		return sized(1+int64(uint24(b[24:])), 1+int64(uint24(b[27:])))
	case "VP8 ":
		return sized(int64(binary.LittleEndian.Uint16(b[26:])&0x3fff), int64(binary.LittleEndian.Uint16(b[28:])&0x3fff))
	case "VP8L":
		bits := binary.LittleEndian.Uint32(b[21:])
		return sized(1+int64(bits&0x3fff), 1+int64(bits>>14&0x3fff))
	default:
		return 0, 0, false
	}
}

func uint24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }

// jpeg walks the segments up to the frame header.
func jpeg(b []byte) (width, height int, ok bool) {
	for i := 2; i+9 <= len(b); {
		if b[i] != 0xff {
			return 0, 0, false
		}
		marker := b[i+1]
		switch {
		case marker == 0xff: // filling
			i++
			continue
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
			return sized(int64(binary.BigEndian.Uint16(b[i+7:])), int64(binary.BigEndian.Uint16(b[i+5:])))
		}
		length := int(binary.BigEndian.Uint16(b[i+2:]))
		if length < 2 {
			return 0, 0, false
		}
		i += 2 + length
	}
	return 0, 0, false
}
