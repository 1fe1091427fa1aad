package snapshot

import (
	"context"
	"errors"
	"log/slog"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/price"
)

// priceBook is the book that was made last, and of which overlay. One state is
// made at a time, so it needs no lock.
type priceBook struct {
	table, book *price.Book
	sum         string
}

// setPrices gives a state its price book. The overlay is decoded when it has
// changed, which is seldom; while its parts are being replaced, and when it
// can not be used, the book before it stays.
func (s *Store) setPrices(c *Config) {
	p := &s.prices
	if p.table == nil {
		p.table = price.New()
		p.book = p.table
	}
	parts := c.priceParts
	c.priceParts = nil
	switch {
	case len(parts) == 0:
		p.book, p.sum = p.table, ""
	case parts[0].Sum != p.sum:
		s.readPrices(parts)
	}
	c.Prices = p.book
}

func (s *Store) readPrices(parts []*contract.PriceOverlay) {
	ctx, log := context.Background(), s.opts.Logger
	file, err := contract.JoinPrices(parts)
	if errors.Is(err, contract.ErrPriceParts) {
		return // the others are on their way
	}
	var book *price.Book
	var report price.Report
	if err == nil {
		book, report, err = s.prices.table.Overlay(file)
	}
	s.prices.sum = parts[0].Sum // also of one that is not usable: it is reported once
	if err != nil {
		log.LogAttrs(ctx, slog.LevelError, "price overlay not usable, the prices stay as they are", slog.Any("error", err))
		return
	}
	s.prices.book = book
	log.LogAttrs(ctx, slog.LevelInfo, "price overlay in use", slog.Int("models", report.Models), slog.Int("prices_left_out", report.Left))
}
