package config

import "unicode/utf8"

// Nearest returns the candidate that somebody who wrote word most likely
// meant, and false when none is close: at most a third of its letters may
// differ. Among equally close ones the first wins.
func Nearest(word string, candidates []string) (string, bool) {
	best, bestDistance := "", -1
	for _, candidate := range candidates {
		length, other := utf8.RuneCountInString(word), utf8.RuneCountInString(candidate)
		limit := max(length, other) / 3
		if max(length, other)-min(length, other) > limit {
			continue // as many letters are missing at least, however long the word is
		}
		d := distance(word, candidate)
		if d <= limit && (bestDistance < 0 || d < bestDistance) {
			best, bestDistance = candidate, d
		}
	}
	return best, bestDistance >= 0
}

// distance counts the letters to insert, remove, replace or swap with their
// neighbour to get from one word to the other (optimal string alignment).
func distance(from, to string) int {
	a, b := []rune(from), []rune(to)
	// Three rows of the table are enough: the current one and two above it.
	above, previous, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := previous[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(replace, previous[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], above[j-2]+1)
			}
		}
		above, previous, row = previous, row, above
	}
	return previous[len(b)]
}
